// What a network says about an image, whatever its task.
//
//   if (const auto* detections = std::get_if<Detections>(&prediction)) ...
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "edgewright/classify.h"
#include "edgewright/decode.h"
#include "edgewright/detect.h"
#include "edgewright/map_view.h"
#include "edgewright/placement.h"
#include "edgewright/segment.h"

namespace edgewright {

using Prediction = std::variant<Detections, Classification, LabelMap>;

// Boxes are in network pixels, a label map has the output's size.  `outputs` are in the manifest's order and shapes.
[[nodiscard]] Prediction DecodeOutputs(const std::vector<MapView>& outputs, const Decode& decode);

// Decodes frame after frame in the same memory.  Not thread-safe.
class Decoder {
 public:
  Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // As `DecodeOutputs`, in pixels of the upright source image.  Into `prediction`, whose memory is used again.
  void Run(const std::vector<MapView>& outputs, const Decode& decode, const Placement& placed, Prediction* prediction);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace edgewright
