#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include "internal.h"

// One picture being read or written: all that an error must not lose hold of.
typedef struct {
  png_structp png;
  png_infop info;
  ic_message *message;
  ic_status status;
  // Reading.
  const uint8_t *bytes;
  size_t left;
  uint8_t *rows;
  ic_shrinker shrinker;
  // Writing.
  ic_buffer *buffer;
  size_t capacity;
} picture;

static void on_error(png_structp png, png_const_charp text) {
  picture *picture = png_get_error_ptr(png);
  ic_say(picture->message, text);
  if (picture->status == ic_status_done) picture->status = ic_status_malformed;
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void run_out_of_memory(picture *picture) {
  picture->status = ic_status_no_memory;
  png_error(picture->png, "no memory");
}

static void on_read(png_structp png, png_bytep to, size_t count) {
  picture *picture = png_get_io_ptr(png);
  if (count > picture->left) png_error(png, "the file ends too early");
  memcpy(to, picture->bytes, count);
  picture->bytes += count;
  picture->left -= count;
}

static void read_rows(picture *picture, uint32_t source_width, uint32_t source_height, bool is_interlaced) {
  const size_t length = (size_t)source_width * 4;
  picture->rows = malloc(is_interlaced ? length * source_height : length);
  if (!picture->rows) run_out_of_memory(picture);
  if (!is_interlaced) {
    for (uint32_t y = 0; y < source_height; y++) {
      png_read_row(picture->png, picture->rows, NULL);
      ic_shrinker_take(&picture->shrinker, picture->rows);
    }
    return;
  }
  memset(picture->rows, 0, length * source_height);
  const int passes = png_set_interlace_handling(picture->png);
  png_read_update_info(picture->png, picture->info);
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t y = 0; y < source_height; y++) png_read_row(picture->png, picture->rows + y * length, NULL);
  }
  for (uint32_t y = 0; y < source_height; y++) ic_shrinker_take(&picture->shrinker, picture->rows + y * length);
}

static void read_picture(picture *picture, uint32_t width, uint32_t height, uint8_t *rgba) {
  png_structp png = picture->png;
  png_set_read_fn(png, picture, on_read);
  png_set_user_limits(png, 1 << 16, 1 << 16);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_read_info(png, picture->info);
  const uint32_t source_width = png_get_image_width(png, picture->info);
  const uint32_t source_height = png_get_image_height(png, picture->info);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
  const bool is_interlaced = png_get_interlace_type(png, picture->info) != PNG_INTERLACE_NONE;
  if (!is_interlaced) png_read_update_info(png, picture->info);
  if (!ic_shrinker_begin(&picture->shrinker, source_width, source_height, width, height, rgba)) {
    run_out_of_memory(picture);
  }
  read_rows(picture, source_width, source_height, is_interlaced);
  png_read_end(png, NULL);
}

// Apart from its caller, whose locals an error may not spoil.
static void try_to_read(picture *picture, uint32_t width, uint32_t height, uint8_t *rgba) {
  if (setjmp(png_jmpbuf(picture->png)) == 0) read_picture(picture, width, height, rgba);
}

ic_status ic_png_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba, ic_message *message) {
  picture picture = {.message = message, .bytes = bytes, .left = count};
  picture.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &picture, on_error, on_warning);
  if (picture.png) picture.info = png_create_info_struct(picture.png);
  if (picture.info) {
    try_to_read(&picture, width, height, rgba);
  } else {
    picture.status = ic_status_no_memory;
  }
  png_destroy_read_struct(&picture.png, &picture.info, NULL);
  ic_shrinker_end(&picture.shrinker);
  free(picture.rows);
  return picture.status;
}

static void on_write(png_structp png, png_bytep bytes, size_t count) {
  picture *picture = png_get_io_ptr(png);
  ic_buffer *buffer = picture->buffer;
  if (count > picture->capacity - buffer->count) {
    const size_t capacity = (picture->capacity + count) * 2;
    uint8_t *larger = realloc(buffer->bytes, capacity);
    if (!larger) run_out_of_memory(picture);
    buffer->bytes = larger;
    picture->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->count, bytes, count);
  buffer->count += count;
}

static void on_flush(png_structp png) { (void)png; }

static void write_picture(picture *picture, const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha) {
  png_structp png = picture->png;
  png_set_write_fn(png, picture, on_write, on_flush);
  const int color = has_alpha ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB;
  png_set_IHDR(
      png, picture->info, width, height, 8, color, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
      PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, picture->info);
  if (!has_alpha) png_set_filler(png, 0, PNG_FILLER_AFTER);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, rgba + (size_t)y * width * 4);
  png_write_end(png, NULL);
}

static void try_to_write(picture *picture, const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha) {
  if (setjmp(png_jmpbuf(picture->png)) == 0) write_picture(picture, rgba, width, height, has_alpha);
}

ic_status ic_png_encode(
    const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, ic_buffer *buffer, ic_message *message) {
  picture picture = {.message = message, .buffer = buffer};
  picture.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &picture, on_error, on_warning);
  if (picture.png) picture.info = png_create_info_struct(picture.png);
  if (picture.info) {
    try_to_write(&picture, rgba, width, height, has_alpha);
  } else {
    picture.status = ic_status_no_memory;
  }
  png_destroy_write_struct(&picture.png, &picture.info);
  if (picture.status != ic_status_done) ic_buffer_free(buffer);
  return picture.status;
}
