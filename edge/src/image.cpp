#include "edgewright/image.h"

#include <string>

#include "pixel_format.h"

namespace edgewright {
namespace {

std::string Name(const ImageView& view) {
  return "a " + std::string(FormatName(view.format)) + " image of " + std::to_string(view.width) + "x" +
         std::to_string(view.height) + " pixels";
}

bool SideFits(int side) { return side >= 1 && side <= kMaxImageSide; }

}  // namespace

const char* FormatName(PixelFormat format) {
  switch (format) {
    case PixelFormat::kBgr:
      return "BGR";
    case PixelFormat::kRgb:
      return "RGB";
    case PixelFormat::kBgra:
      return "BGRA";
    case PixelFormat::kRgba:
      return "RGBA";
    case PixelFormat::kGray:
      return "gray";
    case PixelFormat::kNv12:
      return "NV12";
    case PixelFormat::kNv21:
      return "NV21";
    case PixelFormat::kYuyv:
      return "YUYV";
  }
  return "";
}

std::size_t RowBytes(PixelFormat format, int width) {
  const auto pixels = static_cast<std::size_t>(width);
  switch (format) {
    case PixelFormat::kBgr:
    case PixelFormat::kRgb:
      return 3 * pixels;
    case PixelFormat::kBgra:
    case PixelFormat::kRgba:
      return 4 * pixels;
    case PixelFormat::kYuyv:
      return 2 * pixels;
    case PixelFormat::kGray:
    case PixelFormat::kNv12:
    case PixelFormat::kNv21:
      return pixels;
  }
  return 0;
}

Status CheckView(const ImageView& view) {
  if (FormatName(view.format)[0] == '\0') return InputError("an image in a pixel format that does not exist");
  if (view.rotation < Rotation::kNone || view.rotation > Rotation::k270) {
    return InputError(Name(view) + " with a rotation that does not exist");
  }
  if (!SideFits(view.width) || !SideFits(view.height)) {
    return InputError(Name(view) + "; a side may have 1 to " + std::to_string(kMaxImageSide));
  }
  const bool odd_width = view.width % 2 != 0;
  if ((HasChromaPlane(view.format) && (odd_width || view.height % 2 != 0)) ||
      (view.format == PixelFormat::kYuyv && odd_width)) {
    return InputError(Name(view) + "; pixels that share chroma come in pairs, its sides must be even");
  }
  if (view.data == nullptr) return InputError(Name(view) + " without data");
  const std::size_t row_bytes = RowBytes(view.format, view.width);
  if (view.stride_bytes < row_bytes) {
    return InputError(Name(view) + " with a stride of " + std::to_string(view.stride_bytes) + " bytes; a row has " +
                      std::to_string(row_bytes));
  }
  if (!HasChromaPlane(view.format)) return Done{};
  if (view.chroma == nullptr) return InputError(Name(view) + " without a plane of chroma");
  if (view.chroma_stride_bytes < row_bytes) {
    return InputError(Name(view) + " with a chroma stride of " + std::to_string(view.chroma_stride_bytes) +
                      " bytes; a row has " + std::to_string(row_bytes));
  }
  return Done{};
}

Result<ImageView> ViewOf(const std::uint8_t* data, std::size_t num_bytes, PixelFormat format, int width, int height,
                         std::size_t stride_bytes) {
  ImageView view{data, width, height, stride_bytes, format};
  const bool has_chroma = HasChromaPlane(format);
  if (has_chroma) view.chroma_stride_bytes = stride_bytes;
  if (has_chroma) view.chroma = data;  // there once the size is known to fit
  if (const Status checked = CheckView(view); !checked.ok()) return checked.error();
  // Sides are small now, so that only a stride can make this overflow.
  const auto rows = static_cast<std::size_t>(has_chroma ? height + height / 2 : height);
  const std::size_t row_bytes = RowBytes(format, width);
  if (num_bytes < row_bytes || (rows > 1 && (num_bytes - row_bytes) / (rows - 1) < stride_bytes)) {
    return InputError(Name(view) + " with a stride of " + std::to_string(stride_bytes) + " bytes does not fit in " +
                      std::to_string(num_bytes) + " bytes");
  }
  if (has_chroma) view.chroma = view.row(height);
  return view;
}

}  // namespace edgewright
