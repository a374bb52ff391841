#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#include "internal.h"

// libjpeg's way out of an error: back to where the work was begun.
typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf way_out;
  ic_message *message;
  ic_status status;
} errors;

static void on_error(j_common_ptr jpeg) {
  errors *errors = (void *)jpeg->err;
  char text[JMSG_LENGTH_MAX];
  errors->manager.format_message(jpeg, text);
  ic_say(errors->message, text);
  errors->status = errors->manager.msg_code == JERR_OUT_OF_MEMORY ? ic_status_no_memory : ic_status_malformed;
  longjmp(errors->way_out, 1);
}

static void on_message(j_common_ptr jpeg) { (void)jpeg; }

static void leave(errors *errors, ic_status status, const char *text) {
  errors->status = status;
  ic_say(errors->message, text);
  longjmp(errors->way_out, 1);
}

static struct jpeg_error_mgr *prepare(errors *errors, ic_message *message) {
  errors->message = message;
  errors->status = ic_status_done;
  jpeg_std_error(&errors->manager);
  errors->manager.error_exit = on_error;
  errors->manager.output_message = on_message;
  return &errors->manager;
}

// Decoding.

// A progressive file of some kilobytes can have thousands of scans, each of them work on the whole picture; encoders make
// about ten.
enum { MAX_SCANS = 100 };

typedef struct {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_progress_mgr progress;
  errors errors;
  ic_shrinker shrinker;
  uint8_t *row;
} decoder;

static void on_progress(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number > MAX_SCANS) {
    leave((void *)jpeg->err, ic_status_malformed, "too many scans");
  }
}

/// The least size, in eighths, that still is not smaller than what is wanted: libjpeg makes it at little cost.
static unsigned eighths(const struct jpeg_decompress_struct *jpeg, uint32_t width, uint32_t height) {
  for (unsigned eighths = 1; eighths < 8; eighths *= 2) {
    if ((uint64_t)jpeg->image_width * eighths >= (uint64_t)width * 8 &&
        (uint64_t)jpeg->image_height * eighths >= (uint64_t)height * 8) {
      return eighths;
    }
  }
  return 8;
}

static void read_picture(
    decoder *decoder, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba) {
  struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
  jpeg_create_decompress(jpeg);
  decoder->progress.progress_monitor = on_progress;
  jpeg->progress = &decoder->progress;
  jpeg_mem_src(jpeg, bytes, (unsigned long)count);
  jpeg_read_header(jpeg, TRUE);
  if (jpeg->num_components > 3) {
    leave(&decoder->errors, ic_status_unsupported, "a JPEG of four colours (CMYK)");
  }
  jpeg->out_color_space = JCS_EXT_RGBA;
  jpeg->scale_num = eighths(jpeg, width, height);
  jpeg->scale_denom = 8;
  jpeg_start_decompress(jpeg);
  decoder->row = malloc((size_t)jpeg->output_width * 4);
  if (!decoder->row ||
      !ic_shrinker_begin(&decoder->shrinker, jpeg->output_width, jpeg->output_height, width, height, rgba)) {
    leave(&decoder->errors, ic_status_no_memory, "no memory");
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = decoder->row;
    jpeg_read_scanlines(jpeg, &row, 1);
    ic_shrinker_take(&decoder->shrinker, row);
  }
  jpeg_finish_decompress(jpeg);
}

// Apart from its caller, whose locals an error may not spoil.
static void try_to_read(
    decoder *decoder, const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba) {
  if (setjmp(decoder->errors.way_out) == 0) read_picture(decoder, bytes, count, width, height, rgba);
}

ic_status ic_jpeg_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba, ic_message *message) {
  decoder decoder = {0};
  decoder.jpeg.err = prepare(&decoder.errors, message);
  try_to_read(&decoder, bytes, count, width, height, rgba);
  jpeg_destroy_decompress(&decoder.jpeg);
  ic_shrinker_end(&decoder.shrinker);
  free(decoder.row);
  return decoder.errors.status;
}

// Encoding.

typedef struct {
  struct jpeg_compress_struct jpeg;  // first, so that a pointer to it is one to all
  struct jpeg_destination_mgr destination;
  errors errors;
  uint8_t *row;
  uint8_t *bytes;
  size_t count, capacity;
} encoder;

// libjpeg's own destination in memory tells of a larger buffer when all is written: an error before that would leave its
// caller with the smaller one, which is freed already.

static boolean on_full(j_compress_ptr jpeg) {
  encoder *encoder = (void *)jpeg;
  const size_t capacity = encoder->capacity ? encoder->capacity * 2 : 16384;
  uint8_t *larger = realloc(encoder->bytes, capacity);
  if (!larger) leave(&encoder->errors, ic_status_no_memory, "no memory");
  jpeg->dest->next_output_byte = larger + encoder->capacity;
  jpeg->dest->free_in_buffer = capacity - encoder->capacity;
  encoder->bytes = larger;
  encoder->capacity = capacity;
  return TRUE;
}

static void on_start(j_compress_ptr jpeg) { on_full(jpeg); }

static void on_end(j_compress_ptr jpeg) {
  encoder *encoder = (void *)jpeg;
  encoder->count = encoder->capacity - jpeg->dest->free_in_buffer;
}

static void write_picture(
    encoder *encoder, const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality) {
  struct jpeg_compress_struct *jpeg = &encoder->jpeg;
  jpeg_create_compress(jpeg);
  encoder->destination.init_destination = on_start;
  encoder->destination.empty_output_buffer = on_full;
  encoder->destination.term_destination = on_end;
  jpeg->dest = &encoder->destination;
  jpeg->image_width = width;
  jpeg->image_height = height;
  jpeg->input_components = 4;
  jpeg->in_color_space = JCS_EXT_RGBX;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality, TRUE);
  jpeg->optimize_coding = TRUE;
  encoder->row = malloc((size_t)width * 4);
  if (!encoder->row) leave(&encoder->errors, ic_status_no_memory, "no memory");
  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < jpeg->image_height) {
    memcpy(encoder->row, rgba + (size_t)jpeg->next_scanline * width * 4, (size_t)width * 4);
    for (uint8_t *pixel = encoder->row; has_alpha && pixel < encoder->row + (size_t)width * 4; pixel += 4) {
      const unsigned alpha = pixel[3];
      for (int c = 0; c < 3; c++) pixel[c] = (uint8_t)((pixel[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    JSAMPROW row = encoder->row;
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
}

static void try_to_write(
    encoder *encoder, const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality) {
  if (setjmp(encoder->errors.way_out) == 0) write_picture(encoder, rgba, width, height, has_alpha, quality);
}

ic_status ic_jpeg_encode(
    const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality, ic_buffer *buffer,
    ic_message *message) {
  encoder encoder = {0};
  encoder.jpeg.err = prepare(&encoder.errors, message);
  try_to_write(&encoder, rgba, width, height, has_alpha, quality);
  jpeg_destroy_compress(&encoder.jpeg);
  free(encoder.row);
  if (encoder.errors.status == ic_status_done) {
    *buffer = (ic_buffer){encoder.bytes, encoder.count};
  } else {
    free(encoder.bytes);
  }
  return encoder.errors.status;
}
