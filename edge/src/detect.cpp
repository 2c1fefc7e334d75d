#include "edgewright/detect.h"

#include <algorithm>

#include "detect_rows.h"

namespace edgewright {

void AppendRows(const std::vector<MapView>& outputs, const DetectDecode& decode, RowScratch* scratch,
                Detections* rows) {
  const float threshold = decode.score_threshold;
  if (const auto* fastest = std::get_if<YoloFastestV2Head>(&decode.head)) {
    for (const auto& scale : fastest->scales) AppendRows(outputs[scale.output], scale, threshold, scratch, rows);
  } else if (const auto* yolo = std::get_if<YoloHead>(&decode.head)) {
    for (const auto& scale : yolo->scales) AppendRows(outputs[scale.output], scale, threshold, rows);
  } else if (const auto* ssd = std::get_if<SsdHead>(&decode.head)) {
    for (const auto& scale : ssd->scales) {
      AppendRows(outputs[scale.output], scale, ssd->size, threshold, scratch, rows);
    }
  }
}

Detections DecodeRows(const std::vector<MapView>& outputs, const DetectDecode& decode) {
  RowScratch scratch;
  Detections rows;
  AppendRows(outputs, decode, &scratch, &rows);
  return rows;
}

void ScaleToSource(const Placement& placed, Detections* detections) {
  const auto limit_x = static_cast<float>(placed.source_width);
  const auto limit_y = static_cast<float>(placed.source_height);
  const float factor_x = limit_x / static_cast<float>(placed.width);
  const float factor_y = limit_y / static_cast<float>(placed.height);
  const auto left = static_cast<float>(placed.left);
  const auto top = static_cast<float>(placed.top);
  for (Detection& detection : *detections) {
    Box& box = detection.box;
    box.x1 = std::clamp((box.x1 - left) * factor_x, 0.0F, limit_x);
    box.y1 = std::clamp((box.y1 - top) * factor_y, 0.0F, limit_y);
    box.x2 = std::clamp((box.x2 - left) * factor_x, 0.0F, limit_x);
    box.y2 = std::clamp((box.y2 - top) * factor_y, 0.0F, limit_y);
  }
}

}  // namespace edgewright
