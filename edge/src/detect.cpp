#include "edgewright/detect.h"

#include <algorithm>

#include "detect_rows.h"

namespace edgewright {

Detections DecodeRows(const std::vector<MapView>& outputs, const DetectDecode& decode) {
  Detections rows;
  if (const auto* fastest = std::get_if<YoloFastestV2Head>(&decode.head)) {
    for (const auto& scale : fastest->scales) AppendRows(outputs[scale.output], scale, decode.score_threshold, &rows);
  } else if (const auto* yolo = std::get_if<YoloHead>(&decode.head)) {
    for (const auto& scale : yolo->scales) AppendRows(outputs[scale.output], scale, decode.score_threshold, &rows);
  } else if (const auto* ssd = std::get_if<SsdHead>(&decode.head)) {
    for (const auto& scale : ssd->scales) {
      AppendRows(outputs[scale.output], scale, ssd->size, decode.score_threshold, &rows);
    }
  }
  return rows;
}

Detections ScaleToSource(Detections detections, int network_width, int network_height, int source_width,
                         int source_height) {
  const auto limit_x = static_cast<float>(source_width);
  const auto limit_y = static_cast<float>(source_height);
  const float factor_x = limit_x / static_cast<float>(network_width);
  const float factor_y = limit_y / static_cast<float>(network_height);
  for (Detection& detection : detections) {
    Box& box = detection.box;
    box.x1 = std::clamp(box.x1 * factor_x, 0.0F, limit_x);
    box.y1 = std::clamp(box.y1 * factor_y, 0.0F, limit_y);
    box.x2 = std::clamp(box.x2 * factor_x, 0.0F, limit_x);
    box.y2 = std::clamp(box.y2 * factor_y, 0.0F, limit_y);
  }
  return detections;
}

}  // namespace edgewright
