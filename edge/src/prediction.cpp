#include "edgewright/prediction.h"

#include "detect_rows.h"
#include "edgewright/suppress.h"
#include "segment_scratch.h"

namespace edgewright {
namespace {

// The result of that type, made if another one is held.
template <typename Result>
Result* Held(Prediction* prediction) {
  if (auto* held = std::get_if<Result>(prediction)) return held;
  return &prediction->emplace<Result>();
}

}  // namespace

struct Decoder::Scratch {
  RowScratch rows;
  Suppressor suppressor;
  BestClasses best;
  LabelMap map;
  NearestPixels nearest;
};

Decoder::Decoder() : scratch_(std::make_unique<Scratch>()) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

void Decoder::Run(const std::vector<MapView>& outputs, const Decode& decode, const Placement& placed,
                  Prediction* prediction) {
  if (const auto* classify = std::get_if<ClassifyDecode>(&decode)) {
    Classify(outputs, *classify, Held<Classification>(prediction));
  } else if (const auto* segment = std::get_if<SegmentDecode>(&decode)) {
    Segment(outputs, *segment, &scratch_->best, &scratch_->map);
    ScaleToSource(scratch_->map, placed, &scratch_->nearest, Held<LabelMap>(prediction));
  } else if (const auto* detect = std::get_if<DetectDecode>(&decode)) {
    auto* detections = Held<Detections>(prediction);
    detections->clear();
    AppendRows(outputs, *detect, &scratch_->rows, detections);
    scratch_->suppressor.Run(detect->iou_threshold, detect->max_detections, detections);
    ScaleToSource(placed, detections);
  }
}

Prediction DecodeOutputs(const std::vector<MapView>& outputs, const Decode& decode) {
  if (const auto* classify = std::get_if<ClassifyDecode>(&decode)) return Classify(outputs, *classify);
  if (const auto* segment = std::get_if<SegmentDecode>(&decode)) return Segment(outputs, *segment);
  const auto* detect = std::get_if<DetectDecode>(&decode);
  return SuppressOverlaps(DecodeRows(outputs, *detect), *detect);
}

}  // namespace edgewright
