#include <stdlib.h>

#include "internal.h"

ic_status ic_decode(
    ic_format format, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba,
    ic_message *message) {
  message->text[0] = 0;
  switch (format) {
    case ic_format_png: return ic_png_decode(bytes, count, width, height, rgba, message);
    case ic_format_jpeg: return ic_jpeg_decode(bytes, count, width, height, rgba, message);
    case ic_format_webp: return ic_webp_decode(bytes, count, width, height, rgba, message);
  }
  return ic_status_unsupported;
}

ic_status ic_encode(
    ic_format format, const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality,
    ic_buffer *buffer, ic_message *message) {
  message->text[0] = 0;
  *buffer = (ic_buffer){0};
  switch (format) {
    case ic_format_png: return ic_png_encode(rgba, width, height, has_alpha, buffer, message);
    case ic_format_jpeg: return ic_jpeg_encode(rgba, width, height, has_alpha, quality, buffer, message);
    case ic_format_webp: return ic_webp_encode(rgba, width, height, has_alpha, quality, buffer, message);
  }
  return ic_status_unsupported;
}

bool ic_is_opaque(const uint8_t *rgba, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (rgba[4 * i + 3] != 0xFF) return false;
  }
  return true;
}

void ic_buffer_free(ic_buffer *buffer) {
  free(buffer->bytes);
  *buffer = (ic_buffer){0};
}
