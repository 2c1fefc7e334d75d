#include "edgewright/prediction.h"

#include <utility>

namespace edgewright {

Prediction DecodeOutputs(const std::vector<MapView>& outputs, const Decode& decode) {
  if (const auto* classify = std::get_if<ClassifyDecode>(&decode)) return Classify(outputs, *classify);
  if (const auto* segment = std::get_if<SegmentDecode>(&decode)) return Segment(outputs, *segment);
  const auto* detect = std::get_if<DetectDecode>(&decode);
  return SuppressOverlaps(DecodeRows(outputs, *detect), *detect);
}

Prediction ScaleToSource(Prediction prediction, int network_width, int network_height, int source_width,
                         int source_height) {
  if (auto* detections = std::get_if<Detections>(&prediction)) {
    return ScaleToSource(std::move(*detections), network_width, network_height, source_width, source_height);
  }
  if (const auto* map = std::get_if<LabelMap>(&prediction)) return ScaleToSource(*map, source_width, source_height);
  return prediction;
}

}  // namespace edgewright
