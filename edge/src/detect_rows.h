// The rows of one map, by kind of head: those whose score exceeds `threshold`, appended in the order row, column,
// anchor, class.  Built with -ffp-contract=off: a fused multiply-add would round once where Python rounds twice.
#pragma once

#include <vector>

#include "best_class.h"
#include "edgewright/decode.h"
#include "edgewright/detect.h"
#include "edgewright/map_view.h"

namespace edgewright {

// Kept from frame to frame, so that decoding allocates nothing once it is as large as it gets.
struct RowScratch {
  std::vector<BestClasses> best;
  std::vector<double> powers;

  // At least `count` of them; those that are there keep their memory.
  BestClasses* Best(std::size_t count) {
    if (best.size() < count) best.resize(count);
    return best.data();
  }
};

void AppendRows(const MapView& map, const YoloFastestV2Scale& scale, float threshold, RowScratch* scratch,
                Detections* rows);
void AppendRows(const MapView& map, const YoloScale& scale, float threshold, Detections* rows);
void AppendRows(const MapView& map, const SsdScale& scale, const WidthHeight& size, float threshold,
                RowScratch* scratch, Detections* rows);

// Of all scales.
void AppendRows(const std::vector<MapView>& outputs, const DetectDecode& decode, RowScratch* scratch, Detections* rows);

inline Box BoxAround(float cx, float cy, float half_width, float half_height) {
  return {cx - half_width, cy - half_height, cx + half_width, cy + half_height};
}

}  // namespace edgewright
