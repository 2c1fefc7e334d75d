// The rows of one map, by kind of head: those whose score exceeds `threshold`, appended in the order row, column,
// anchor, class.  Built with -ffp-contract=off: a fused multiply-add would round once where Python rounds twice.
#pragma once

#include "edgewright/decode.h"
#include "edgewright/detect.h"
#include "edgewright/map_view.h"

namespace edgewright {

void AppendRows(const MapView& map, const YoloFastestV2Scale& scale, float threshold, Detections* rows);
void AppendRows(const MapView& map, const YoloScale& scale, float threshold, Detections* rows);
void AppendRows(const MapView& map, const SsdScale& scale, const WidthHeight& size, float threshold, Detections* rows);

inline Box BoxAround(float cx, float cy, float half_width, float half_height) {
  return {cx - half_width, cy - half_height, cx + half_width, cy + half_height};
}

}  // namespace edgewright
