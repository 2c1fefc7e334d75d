// YOLO-FastestV2: per anchor 4 box values, per anchor objectness, then classes that the cell's anchors share.
#include "detect_rows.h"

namespace edgewright {
namespace {

Box DecodeBox(const MapView& map, int first_channel, int row, int column, const YoloFastestV2Scale& scale,
              const WidthHeight& anchor) {
  const auto value = [&](int k) { return map.row(first_channel + k, row)[column]; };
  const auto stride = static_cast<float>(scale.stride);
  const float cx = (2.0F * value(0) - 0.5F + static_cast<float>(column)) * stride;
  const float cy = (2.0F * value(1) - 0.5F + static_cast<float>(row)) * stride;
  const float half_width = (2.0F * value(2)) * (2.0F * value(2)) * anchor.width * 0.5F;
  const float half_height = (2.0F * value(3)) * (2.0F * value(3)) * anchor.height * 0.5F;
  return BoxAround(cx, cy, half_width, half_height);
}

}  // namespace

void AppendRows(const MapView& map, const YoloFastestV2Scale& scale, float threshold, RowScratch* scratch,
                Detections* rows) {
  const int num_anchors = static_cast<int>(scale.anchors_px.size());
  BestClasses& best = *scratch->Best(1);
  for (int row = 0; row < map.height; ++row) {
    FindBestClasses(map, 5 * num_anchors, map.channels - 5 * num_anchors, row, &best);
    for (int column = 0; column < map.width; ++column) {
      const auto x = static_cast<std::size_t>(column);
      for (int a = 0; a < num_anchors; ++a) {
        const float score = map.row(4 * num_anchors + a, row)[column] * best.values[x];
        if (!(score > threshold)) continue;
        const WidthHeight& anchor = scale.anchors_px[static_cast<std::size_t>(a)];
        rows->push_back({DecodeBox(map, 4 * a, row, column, scale, anchor), score, best.indexes[x]});
      }
    }
  }
}

}  // namespace edgewright
