// From logits to class probabilities.
//
//   const Classification result = Classify(outputs, decode);
//   const int best = result.Top(1).front();
#pragma once

#include <vector>

#include "edgewright/decode.h"
#include "edgewright/map_view.h"

namespace edgewright {

struct Classification {
  std::vector<float> probabilities;  // by class

  // Class indices, most probable first; of equals the lower index.
  [[nodiscard]] std::vector<int> Top(std::size_t count) const;
};

// Into `result`, whose memory is used again.
void Classify(const std::vector<MapView>& outputs, const ClassifyDecode& decode, Classification* result);
[[nodiscard]] Classification Classify(const std::vector<MapView>& outputs, const ClassifyDecode& decode);

}  // namespace edgewright
