#include <stdlib.h>

#include "internal.h"

// Sizes are compared without fractions: a source pixel is `width` long and a result pixel `source_width`, so that both
// rows have the same length; the same holds for the heights. The largest sum, 255 * 255 * 2^16 * 2^16, fits.

bool ic_shrinker_begin(
    ic_shrinker *shrinker, uint32_t source_width, uint32_t source_height, uint32_t width, uint32_t height,
    uint8_t *rgba) {
  *shrinker = (ic_shrinker){
      .source_width = source_width, .source_height = source_height, .width = width, .height = height, .rgba = rgba};
  if (width < 1 || height < 1 || width > source_width || height > source_height) return false;
  if (source_width > 1 << 16 || source_height > 1 << 16) return false;
  if (width == source_width && height == source_height) return true;
  shrinker->row = malloc((size_t)width * 4 * sizeof *shrinker->row);
  shrinker->sums = calloc((size_t)width * 4, sizeof *shrinker->sums);
  return shrinker->row && shrinker->sums;
}

static void narrow(ic_shrinker *shrinker, const uint8_t *source) {
  const uint64_t source_length = shrinker->width, length = shrinker->source_width;
  uint64_t *to = shrinker->row;
  uint64_t left = length;  // of the present result pixel
  memset(to, 0, (size_t)shrinker->width * 4 * sizeof *to);
  for (uint32_t x = 0; x < shrinker->source_width; x++, source += 4) {
    uint64_t rest = source_length;
    while (rest > 0) {
      const uint64_t part = rest < left ? rest : left;
      const uint64_t alpha = source[3] * part;
      to[0] += source[0] * alpha;
      to[1] += source[1] * alpha;
      to[2] += source[2] * alpha;
      to[3] += alpha;
      rest -= part;
      left -= part;
      if (left == 0) {
        left = length;
        to += 4;
      }
    }
  }
}

static void finish_row(ic_shrinker *shrinker) {
  const uint64_t area = (uint64_t)shrinker->source_width * shrinker->source_height;
  uint8_t *to = shrinker->rgba + (size_t)shrinker->made * shrinker->width * 4;
  uint64_t *sum = shrinker->sums;
  for (uint32_t x = 0; x < shrinker->width; x++, sum += 4, to += 4) {
    const uint64_t alpha = sum[3];
    for (int channel = 0; channel < 3; channel++) {
      to[channel] = alpha ? (uint8_t)((sum[channel] + alpha / 2) / alpha) : 0;
    }
    to[3] = (uint8_t)((alpha + area / 2) / area);
  }
  memset(shrinker->sums, 0, (size_t)shrinker->width * 4 * sizeof *shrinker->sums);
  shrinker->made++;
  shrinker->covered = 0;
}

void ic_shrinker_take(ic_shrinker *shrinker, const uint8_t *source) {
  if (shrinker->taken == shrinker->source_height) return;
  shrinker->taken++;
  if (!shrinker->row) {
    const size_t length = (size_t)shrinker->width * 4;
    memcpy(shrinker->rgba + length * shrinker->made++, source, length);
    return;
  }
  narrow(shrinker, source);
  const size_t count = (size_t)shrinker->width * 4;
  uint64_t rest = shrinker->height;
  while (rest > 0) {
    const uint64_t left = shrinker->source_height - shrinker->covered;
    const uint64_t part = rest < left ? rest : left;
    for (size_t i = 0; i < count; i++) shrinker->sums[i] += shrinker->row[i] * part;
    rest -= part;
    shrinker->covered += part;
    if (shrinker->covered == shrinker->source_height) finish_row(shrinker);
  }
}

void ic_shrinker_end(ic_shrinker *shrinker) {
  free(shrinker->row);
  free(shrinker->sums);
  shrinker->row = shrinker->sums = NULL;
}
