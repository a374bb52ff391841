#include <stdlib.h>

#include <webp/decode.h>
#include <webp/encode.h>

#include "internal.h"

static ic_status refused(VP8StatusCode code, ic_message *message) {
  switch (code) {
    case VP8_STATUS_OK: return ic_status_done;
    case VP8_STATUS_OUT_OF_MEMORY: return ic_status_no_memory;
    case VP8_STATUS_UNSUPPORTED_FEATURE: ic_say(message, "a feature that libwebp lacks"); return ic_status_unsupported;
    case VP8_STATUS_NOT_ENOUGH_DATA: ic_say(message, "the file ends too early"); return ic_status_malformed;
    default: ic_say(message, "libwebp refuses it"); return ic_status_malformed;
  }
}

ic_status ic_webp_decode(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgba, ic_message *message) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return ic_status_unsupported;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &config.input);
  if (code != VP8_STATUS_OK) return refused(code, message);
  if (config.input.has_animation) {
    ic_say(message, "an animation");
    return ic_status_unsupported;
  }
  config.options.use_scaling = width != (uint32_t)config.input.width || height != (uint32_t)config.input.height;
  config.options.scaled_width = (int)width;
  config.options.scaled_height = (int)height;
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = rgba;
  config.output.u.RGBA.stride = (int)(width * 4);
  config.output.u.RGBA.size = (size_t)width * height * 4;
  code = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  return refused(code, message);
}

ic_status ic_webp_encode(
    const uint8_t *rgba, uint32_t width, uint32_t height, bool has_alpha, int quality, ic_buffer *buffer,
    ic_message *message) {
  WebPConfig config;
  WebPPicture picture;
  WebPMemoryWriter writer;
  if (!WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, quality > 0 ? (float)quality : 75) || !WebPPictureInit(&picture)) {
    return ic_status_unsupported;
  }
  config.lossless = quality <= 0;
  config.exact = 1;
  // A fourth of the memory, and half as much time again.
  config.low_memory = (size_t)width * height > IC_LARGE_PICTURE;
  picture.use_argb = config.lossless;
  picture.width = (int)width;
  picture.height = (int)height;
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  WebPMemoryWriterInit(&writer);
  const int stride = (int)(width * 4);
  ic_status status = ic_status_no_memory;
  if (has_alpha ? WebPPictureImportRGBA(&picture, rgba, stride) : WebPPictureImportRGBX(&picture, rgba, stride)) {
    if (WebPEncode(&config, &picture)) {
      // Into memory of `malloc`: libwebp's may be of an allocator of its own.
      buffer->bytes = malloc(writer.size);
      if (buffer->bytes) {
        memcpy(buffer->bytes, writer.mem, writer.size);
        buffer->count = writer.size;
        status = ic_status_done;
      }
    } else if (picture.error_code != VP8_ENC_ERROR_OUT_OF_MEMORY) {
      ic_say(message, picture.error_code == VP8_ENC_ERROR_BAD_DIMENSION ? "a side of more than 16383" : "libwebp fails");
      status = ic_status_unsupported;
    }
  }
  WebPPictureFree(&picture);
  WebPMemoryWriterClear(&writer);
  return status;
}
