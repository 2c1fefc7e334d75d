#include "edgewright/preprocess.h"

#include <utility>

namespace edgewright {

Preprocessor::Preprocessor(const Preprocess& rule)
    : rule_(rule), network_image_(rule.width, rule.height), planes_(network_image_.pixels().size()) {}

const Image& Preprocessor::NetworkImage(const ImageView& source_bgr) {
  resizer_.Resize(source_bgr, &network_image_);
  if (rule_.colour_order == ColourOrder::kBgr) return network_image_;
  for (int y = 0; y < network_image_.height(); ++y) {
    std::uint8_t* pixel = network_image_.row(y);
    for (int x = 0; x < network_image_.width(); ++x, pixel += 3) std::swap(pixel[0], pixel[2]);
  }
  return network_image_;
}

const std::vector<float>& Preprocessor::Normalise(const ImageView& network_image) {
  const auto width = static_cast<std::size_t>(network_image.width);
  const std::size_t plane_size = width * static_cast<std::size_t>(network_image.height);
  for (int y = 0; y < network_image.height; ++y) {
    const std::uint8_t* pixels = network_image.row(y);
    for (std::size_t c = 0; c < 3; ++c) {
      float* out = planes_.data() + c * plane_size + static_cast<std::size_t>(y) * width;
      const float mean = rule_.mean[c];
      const float scale = rule_.scale[c];
      for (std::size_t x = 0; x < width; ++x) out[x] = (static_cast<float>(pixels[3 * x + c]) - mean) * scale;
    }
  }
  return planes_;
}

}  // namespace edgewright
