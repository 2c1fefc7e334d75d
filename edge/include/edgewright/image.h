// Pixels, where they come from and how they lie in memory.
//
//   Result<ImageView> frame = ViewOf(bytes, num_bytes, PixelFormat::kNv12, 1920, 1080, /*stride_bytes=*/1920);
//   if (!frame.ok()) return Report(frame.error());
//   frame.value().rotation = Rotation::k90;  // a phone held upright
//   Result<Prediction> found = model.Predict(frame.value());
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgewright/result.h"

namespace edgewright {

inline constexpr int kMaxImageSide = 16384;

// Bytes in memory order.  The last three are BT.601 in video range (16..235), as OpenCV converts them: NV12 and NV21
// are a plane of luma, then one of chroma pairs (U V; V U) for 2x2 pixels; YUYV has a chroma pair for 2 pixels of a
// row.
enum class PixelFormat { kBgr, kRgb, kBgra, kRgba, kGray, kNv12, kNv21, kYuyv };

// Clockwise: what makes the image upright.
enum class Rotation { kNone, k90, k180, k270 };

// Someone else's pixels.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;  // as stored, before the rotation
  int height = 0;
  std::size_t stride_bytes = 0;  // between rows
  PixelFormat format = PixelFormat::kBgr;
  Rotation rotation = Rotation::kNone;
  const std::uint8_t* chroma = nullptr;  // of NV12 and NV21: the second plane
  std::size_t chroma_stride_bytes = 0;

  [[nodiscard]] const std::uint8_t* row(int y) const { return data + static_cast<std::size_t>(y) * stride_bytes; }
  [[nodiscard]] bool is_turned() const { return rotation == Rotation::k90 || rotation == Rotation::k270; }
  [[nodiscard]] int upright_width() const { return is_turned() ? height : width; }
  [[nodiscard]] int upright_height() const { return is_turned() ? width : height; }
};

// One buffer: rows `stride_bytes` apart, chroma rows of NV12 and NV21 right after those of luma.  An error when the
// image does not lie inside `num_bytes`, and whatever `CheckView` refuses.
[[nodiscard]] Result<ImageView> ViewOf(const std::uint8_t* data, std::size_t num_bytes, PixelFormat format, int width,
                                       int height, std::size_t stride_bytes);

// For views filled by hand, of cameras with two planes for example.  An error for sides outside 1..kMaxImageSide, for
// odd ones where two pixels share chroma, for rows that overlap and for planes that are missing.
[[nodiscard]] Status CheckView(const ImageView& view);

// Three interleaved channels of its own, without gaps between rows: BGR unless a name says otherwise.
class Image {
 public:
  Image() = default;
  Image(int width, int height)
      : width_(width), height_(height), pixels_(row_bytes() * static_cast<std::size_t>(height)) {}

  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] std::size_t row_bytes() const { return 3 * static_cast<std::size_t>(width_); }
  [[nodiscard]] std::uint8_t* row(int y) { return pixels_.data() + static_cast<std::size_t>(y) * row_bytes(); }
  [[nodiscard]] const std::vector<std::uint8_t>& pixels() const { return pixels_; }
  [[nodiscard]] ImageView view() const { return {pixels_.data(), width_, height_, row_bytes()}; }

 private:
  int width_ = 0;
  int height_ = 0;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace edgewright
