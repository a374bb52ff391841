// Typed functions over zlib: sizes are size_t, states are an enum, and no z_stream crosses into Swift.
#ifndef CIMAGEKIT_H
#define CIMAGEKIT_H

#include <stddef.h>
#include <stdint.h>

// How far a step came.
typedef enum __attribute__((enum_extensibility(closed))) {
  cimagekit_status_more = 0,       // went as far as input and room allowed
  cimagekit_status_end = 1,        // the stream is over, its checksum matched
  cimagekit_status_bad_data = 2,   // not a zlib stream, or a damaged one
  cimagekit_status_no_memory = 3,  // zlib could not allocate
} cimagekit_status;

// What a step took from its input and wrote to its output.
typedef struct {
  cimagekit_status status;
  size_t consumed;
  size_t produced;
} cimagekit_step;

// CRC-32 of `count` bytes, continuing from `crc` (0 to begin).
uint32_t cimagekit_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

// An inflater of one zlib stream. NULL without memory. The caller owns it until cimagekit_inflater_destroy.
typedef struct cimagekit_inflater cimagekit_inflater;
cimagekit_inflater *cimagekit_inflater_create(void);
void cimagekit_inflater_destroy(cimagekit_inflater *inflater);

// Inflates from `in` to `out`; keeps neither pointer.
cimagekit_step cimagekit_inflate(
    cimagekit_inflater *inflater, const uint8_t *in, size_t in_count, uint8_t *out, size_t out_count);

// Room that always suffices for `count` bytes deflated by cimagekit_deflate, 0 if they are too many for it.
size_t cimagekit_deflate_bound(size_t count);

// Deflates all of `in` into one zlib stream at `level` (1 to 9). MORE means that the room did not suffice.
cimagekit_step cimagekit_deflate(int level, const uint8_t *in, size_t in_count, uint8_t *out, size_t out_count);

// Offset of the first `byte` in `count` bytes, or `count`.
size_t cimagekit_find(const uint8_t *bytes, size_t count, uint8_t byte);

#endif
