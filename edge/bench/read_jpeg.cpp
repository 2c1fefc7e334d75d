#include "read_jpeg.h"

#include <csetjmp>
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

namespace edgebench {
namespace {

struct ErrorHandler {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is one to us
  std::jmp_buf escape;
};

void Escape(j_common_ptr jpeg) {
  std::longjmp(reinterpret_cast<ErrorHandler*>(jpeg->err)->escape, 1);  // NOLINT(cert-err52-cpp)
}

void KeepQuiet(j_common_ptr /*jpeg*/) {}

// No locals with destructors: an error jumps from here straight back to the `setjmp`.
bool Decode(jpeg_decompress_struct* jpeg, const edgewright::Bytes& bytes, int max_side, edgewright::Image* image) {
  jpeg_mem_src(jpeg, bytes.data(), static_cast<unsigned long>(bytes.size()));  // NOLINT(google-runtime-int)
  jpeg_read_header(jpeg, TRUE);
  const auto limit = static_cast<JDIMENSION>(max_side);
  if (jpeg->image_width > limit || jpeg->image_height > limit) return false;
  // CMYK and YCCK have no libjpeg conversion to BGR: an error, not a guess.
  jpeg->out_color_space = JCS_EXT_BGR;
  jpeg_start_decompress(jpeg);
  *image = edgewright::Image(static_cast<int>(jpeg->output_width), static_cast<int>(jpeg->output_height));
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = image->row(static_cast<int>(jpeg->output_scanline));
    jpeg_read_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

bool DecodeOrEscape(const edgewright::Bytes& bytes, int max_side, edgewright::Image* image) {
  jpeg_decompress_struct jpeg{};
  ErrorHandler handler{};
  jpeg.err = jpeg_std_error(&handler.base);
  handler.base.error_exit = Escape;
  handler.base.output_message = KeepQuiet;
  jpeg_create_decompress(&jpeg);
  const bool whole = setjmp(handler.escape) == 0 && Decode(&jpeg, bytes, max_side, image);  // NOLINT(cert-err52-cpp)
  jpeg_destroy_decompress(&jpeg);
  return whole;
}

}  // namespace

std::optional<edgewright::Image> ReadJpeg(const edgewright::Bytes& bytes, int max_side) {
  edgewright::Image image;
  if (!DecodeOrEscape(bytes, max_side, &image)) return std::nullopt;
  return image;
}

const char* JpegDecoder() { return "libjpeg"; }

}  // namespace edgebench
