// What the files of this module share.
#pragma once

#include <string.h>

#include "CImageCodecs.h"

/// Keeps a message.
static inline void ic_say(ic_message *message, const char *text) {
  size_t length = strlen(text);
  if (length >= IC_MESSAGE_LENGTH) length = IC_MESSAGE_LENGTH - 1;
  memcpy(message->text, text, length);
  message->text[length] = 0;
}

/// Makes a picture smaller while its rows come, from the top.
typedef struct {
  uint32_t source_width, source_height, width, height;
  uint8_t *rgba;     // where the result goes
  uint64_t *row;     // the present source row, made narrower; NULL where nothing is to be made smaller
  uint64_t *sums;    // the present result row: channels times alpha, and alpha
  uint32_t taken;    // source rows so far
  uint32_t made;     // result rows so far
  uint64_t covered;  // how much of the present result row is there, of `source_height`
} ic_shrinker;

/// False without memory, or if the result would be larger than the source. `ic_shrinker_end` in any case.
bool ic_shrinker_begin(
    ic_shrinker *shrinker, uint32_t source_width, uint32_t source_height, uint32_t width, uint32_t height,
    uint8_t *rgba);
void ic_shrinker_take(ic_shrinker *shrinker, const uint8_t *rgba_row);
void ic_shrinker_end(ic_shrinker *shrinker);

ic_status ic_png_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba, ic_message *message);
ic_status ic_png_encode(
    const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, ic_buffer *buffer, ic_message *message);
ic_status ic_jpeg_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba, ic_message *message);
ic_status ic_jpeg_encode(
    const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality, ic_buffer *buffer,
    ic_message *message);
ic_status ic_webp_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba, ic_message *message);
ic_status ic_webp_encode(
    const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality, ic_buffer *buffer,
    ic_message *message);
