// What was seen in one image, for programs and for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "edgewright/prediction.h"

namespace edgebench {

// Detections: boxes_xyxy, scores, class_indices and labels, in the same order.  Classification: the probability of
// every class, and the best five.  Label map: how many pixels each class has, those that have none left out.
[[nodiscard]] nlohmann::ordered_json PredictionJson(const edgewright::Prediction& prediction,
                                                    const std::vector<std::string>& labels);

// Lines, each of a label and its figures.
[[nodiscard]] std::string PredictionText(const edgewright::Prediction& prediction,
                                         const std::vector<std::string>& labels);

}  // namespace edgebench
