// What a network says about an image, whatever its task.
//
//   if (const auto* detections = std::get_if<Detections>(&prediction)) ...
#pragma once

#include <variant>
#include <vector>

#include "edgewright/classify.h"
#include "edgewright/decode.h"
#include "edgewright/detect.h"
#include "edgewright/map_view.h"
#include "edgewright/segment.h"

namespace edgewright {

using Prediction = std::variant<Detections, Classification, LabelMap>;

// Boxes are in network pixels, a label map has the output's size.  `outputs` are in the manifest's order and shapes.
[[nodiscard]] Prediction DecodeOutputs(const std::vector<MapView>& outputs, const Decode& decode);

// From the network's pixels to those of a source image that was stretched to it.
[[nodiscard]] Prediction ScaleToSource(Prediction prediction, int network_width, int network_height, int source_width,
                                       int source_height);

}  // namespace edgewright
