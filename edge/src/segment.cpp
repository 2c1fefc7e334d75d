#include "edgewright/segment.h"

#include <algorithm>

#include "best_class.h"

namespace edgewright {
namespace {

std::size_t NumPixels(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

// The source coordinate of each of `length` pixels along one axis.
std::vector<std::size_t> NearestPixels(int source_length, int length) {
  std::vector<std::size_t> nearest;
  nearest.reserve(static_cast<std::size_t>(length));
  for (std::int64_t i = 0; i < length; ++i) {
    nearest.push_back(static_cast<std::size_t>((2 * i + 1) * source_length / (2 * std::int64_t{length})));
  }
  return nearest;
}

}  // namespace

LabelMap Segment(const std::vector<MapView>& outputs, const SegmentDecode& decode) {
  const MapView& logits = outputs[decode.output];
  LabelMap map{logits.width, logits.height, {}};
  map.labels.reserve(NumPixels(map.width, map.height));
  BestClasses best;
  for (int y = 0; y < logits.height; ++y) {
    FindBestClasses(logits, 0, logits.channels, y, &best);
    for (const int index : best.indexes) map.labels.push_back(static_cast<std::uint16_t>(index));
  }
  return map;
}

LabelMap ScaleToSource(const LabelMap& map, int source_width, int source_height) {
  const std::vector<std::size_t> columns = NearestPixels(map.width, source_width);
  LabelMap scaled{source_width, source_height, {}};
  scaled.labels.reserve(NumPixels(source_width, source_height));
  for (const std::size_t row : NearestPixels(map.height, source_height)) {
    const std::uint16_t* labels = map.labels.data() + row * static_cast<std::size_t>(map.width);
    for (const std::size_t column : columns) scaled.labels.push_back(labels[column]);
  }
  return scaled;
}

}  // namespace edgewright
