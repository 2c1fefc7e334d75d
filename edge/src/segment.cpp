#include "edgewright/segment.h"

#include "best_class.h"
#include "segment_scratch.h"

namespace edgewright {
namespace {

// The pixel of a label map that each of `source_length` pixels of the source reads, along one axis.  The source covers
// `length` of `network_length` pixels of the network from `start` on, and the map all of them.
void FindNearest(int source_length, int start, int length, int network_length, int map_length,
                 std::vector<std::size_t>* nearest) {
  const std::int64_t doubled = 2 * std::int64_t{source_length};
  nearest->resize(static_cast<std::size_t>(source_length));
  for (std::int64_t i = 0; i < source_length; ++i) {
    const std::int64_t centre = doubled * start + (2 * i + 1) * length;  // in network pixels, times `doubled`
    (*nearest)[static_cast<std::size_t>(i)] =
        static_cast<std::size_t>(centre * map_length / (doubled * network_length));
  }
}

}  // namespace

void Segment(const std::vector<MapView>& outputs, const SegmentDecode& decode, BestClasses* best, LabelMap* map) {
  const MapView& logits = outputs[decode.output];
  map->width = logits.width;
  map->height = logits.height;
  map->labels.clear();
  for (int y = 0; y < logits.height; ++y) {
    FindBestClasses(logits, 0, logits.channels, y, best);
    for (const int index : best->indexes) map->labels.push_back(static_cast<std::uint16_t>(index));
  }
}

void ScaleToSource(const LabelMap& map, const Placement& placed, NearestPixels* nearest, LabelMap* scaled) {
  FindNearest(placed.source_width, placed.left, placed.width, placed.network_width, map.width, &nearest->columns);
  FindNearest(placed.source_height, placed.top, placed.height, placed.network_height, map.height, &nearest->rows);
  scaled->width = placed.source_width;
  scaled->height = placed.source_height;
  scaled->labels.resize(nearest->columns.size() * nearest->rows.size());
  std::uint16_t* out = scaled->labels.data();
  for (const std::size_t row : nearest->rows) {
    const std::uint16_t* labels = map.labels.data() + row * static_cast<std::size_t>(map.width);
    for (const std::size_t column : nearest->columns) *out++ = labels[column];
  }
}

LabelMap Segment(const std::vector<MapView>& outputs, const SegmentDecode& decode) {
  BestClasses best;
  LabelMap map;
  Segment(outputs, decode, &best, &map);
  return map;
}

LabelMap ScaleToSource(const LabelMap& map, const Placement& placed) {
  NearestPixels nearest;
  LabelMap scaled;
  ScaleToSource(map, placed, &nearest, &scaled);
  return scaled;
}

}  // namespace edgewright
