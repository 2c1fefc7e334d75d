#include "label_picture.h"

#include <array>

#include "png.h"

namespace edgebench {
namespace {

using edgewright::Bytes;
using edgewright::Image;
using edgewright::LabelMap;
using edgewright::Result;

// The bits of the class, dealt out to red, green and blue from the highest bit of each down.
std::array<unsigned, 3> ClassColourRgb(unsigned class_index) {
  std::array<unsigned, 3> rgb = {0, 0, 0};
  for (unsigned bit = 8; bit-- > 0; class_index >>= 3U) {
    for (unsigned channel = 0; channel < 3; ++channel) rgb[channel] |= (class_index >> channel & 1U) << bit;
  }
  return rgb;
}

}  // namespace

Result<Bytes> LabelPicture(const LabelMap& map, std::size_t num_classes) {
  const bool wide = num_classes > 256;
  Bytes pixels;
  pixels.reserve(map.labels.size() * (wide ? 2 : 1));
  for (const std::uint16_t label : map.labels) {
    if (wide) pixels.push_back(static_cast<std::uint8_t>(label >> 8U));
    pixels.push_back(static_cast<std::uint8_t>(label));
  }
  return EncodePng(pixels, map.width, map.height, wide ? PngPixel::kGray16 : PngPixel::kGray8);
}

Result<Bytes> OverlayPicture(const LabelMap& map, const Image& source_bgr) {
  Bytes pixels;
  pixels.reserve(3 * map.labels.size());
  const std::uint8_t* bgr = source_bgr.pixels().data();
  for (const std::uint16_t label : map.labels) {
    const std::array<unsigned, 3> colour = ClassColourRgb(label);
    for (std::size_t c = 0; c < 3; ++c) pixels.push_back(static_cast<std::uint8_t>((colour[c] + bgr[2 - c] + 1) / 2));
    bgr += 3;
  }
  return EncodePng(pixels, map.width, map.height, PngPixel::kRgb8);
}

}  // namespace edgebench
