#include "CImageKit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct cimagekit_inflater {
  z_stream stream;
};

// zlib counts in unsigned int; a longer stretch is taken in several steps.
static uInt clamp(size_t count) { return count > UINT_MAX ? UINT_MAX : (uInt)count; }

uint32_t cimagekit_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
  uLong value = crc;
  while (count > 0) {
    uInt part = clamp(count);
    value = crc32(value, bytes, part);
    bytes += part;
    count -= part;
  }
  return (uint32_t)value;
}

cimagekit_inflater *cimagekit_inflater_create(void) {
  cimagekit_inflater *inflater = calloc(1, sizeof *inflater);
  if (inflater && inflateInit(&inflater->stream) != Z_OK) {
    free(inflater);
    return NULL;
  }
  return inflater;
}

void cimagekit_inflater_destroy(cimagekit_inflater *inflater) {
  if (!inflater) return;
  inflateEnd(&inflater->stream);
  free(inflater);
}

cimagekit_step cimagekit_inflate(
    cimagekit_inflater *inflater, const uint8_t *in, size_t in_count, uint8_t *out, size_t out_count) {
  z_stream *stream = &inflater->stream;
  uInt offered = clamp(in_count), room = clamp(out_count);
  stream->next_in = (z_const Bytef *)in;
  stream->avail_in = offered;
  stream->next_out = out;
  stream->avail_out = room;
  int result = inflate(stream, Z_NO_FLUSH);
  cimagekit_step step = {cimagekit_status_bad_data, offered - stream->avail_in, room - stream->avail_out};
  stream->next_in = NULL;
  stream->next_out = NULL;
  switch (result) {
    case Z_OK:
    case Z_BUF_ERROR: step.status = cimagekit_status_more; break;
    case Z_STREAM_END: step.status = cimagekit_status_end; break;
    case Z_MEM_ERROR: step.status = cimagekit_status_no_memory; break;
    default: break;  // Z_DATA_ERROR, Z_NEED_DICT, Z_STREAM_ERROR
  }
  return step;
}

size_t cimagekit_deflate_bound(size_t count) {
  if (count > UINT_MAX / 2) return 0;
  return compressBound((uLong)count);
}

cimagekit_step cimagekit_deflate(int level, const uint8_t *in, size_t in_count, uint8_t *out, size_t out_count) {
  cimagekit_step step = {cimagekit_status_no_memory, 0, 0};
  z_stream stream = {0};
  if (in_count > UINT_MAX || deflateInit(&stream, level) != Z_OK) return step;
  stream.next_in = (z_const Bytef *)in;
  stream.avail_in = (uInt)in_count;
  stream.next_out = out;
  stream.avail_out = clamp(out_count);
  step.status = deflate(&stream, Z_FINISH) == Z_STREAM_END ? cimagekit_status_end : cimagekit_status_more;
  step.consumed = stream.total_in;
  step.produced = stream.total_out;
  deflateEnd(&stream);
  return step;
}

size_t cimagekit_find(const uint8_t *bytes, size_t count, uint8_t byte) {
  if (count == 0) return 0;
  const uint8_t *found = memchr(bytes, byte, count);
  return found ? (size_t)(found - bytes) : count;
}
