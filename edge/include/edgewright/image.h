// Pixels: three interleaved uint8 channels, BGR unless a name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edgewright {

inline constexpr int kMaxImageSide = 16384;

// Someone else's pixels.  `stride_bytes` is the distance between rows, at least 3 * width.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::size_t stride_bytes = 0;

  [[nodiscard]] const std::uint8_t* row(int y) const { return data + static_cast<std::size_t>(y) * stride_bytes; }
};

// Pixels of its own, without gaps between rows.
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
