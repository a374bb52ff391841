// libjpeg-turbo, libpng and libwebp behind typed functions: their error exits end here, as a status and a message.
//
// Pixels are RGBA, 8 bits a channel, rows from the top without gaps; alpha is not multiplied in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum __attribute__((enum_extensibility(closed))) {
  ic_format_png,
  ic_format_jpeg,
  ic_format_webp,
} ic_format;

typedef enum __attribute__((enum_extensibility(closed))) {
  ic_status_done,
  ic_status_malformed,    // the library refuses the bytes
  ic_status_unsupported,  // a kind of file that is not decoded here
  ic_status_no_memory,
} ic_status;

enum { IC_MESSAGE_LENGTH = 200 };

/// What a call says beside its status; "" where it says nothing.
typedef struct {
  char text[IC_MESSAGE_LENGTH];
} ic_message;

/// Decodes a picture and makes it smaller on the way, each pixel the mean of the area that it covers.
///
/// `width` and `height` are what is wanted, each at most the picture's own and at least 1; `rgba` has room for that many
/// pixels. Memory beyond it: some rows, or the whole picture where that is interlaced, progressive or a lossless
/// WebP.
ic_status ic_decode(
    ic_format format, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba,
    ic_message *message);

/// Whether every pixel of `count` is opaque.
bool ic_is_opaque(const uint8_t *rgba, size_t count);

/// Bytes that a call has made; to be freed by `ic_buffer_free`.
typedef struct {
  uint8_t *bytes;
  size_t count;
} ic_buffer;

void ic_buffer_free(ic_buffer *buffer);

/// Pixels from which on a WebP with loss is made with less memory, in more time.
enum { IC_LARGE_PICTURE = 4 << 20 };

/// Encodes a picture. `quality` is 1 to 100, 0 for lossless WebP; PNG, always lossless, takes none. JPEG, which has no
/// alpha, shows what is behind as white. Without `has_alpha` the alpha is taken for opaque.
ic_status ic_encode(
    ic_format format, const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality,
    ic_buffer *buffer, ic_message *message);
