// Is this run the source's run?  Outputs are compared by value, then what they mean: the comparison of
// edgewright_export/parity.py, against the manifest's tolerance.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edgewright/manifest.h"
#include "edgewright/map_view.h"

namespace edgewright {

// Of one image.
struct Comparison {
  double max_error = 0;           // as `Tolerance` has it
  double cosine = 1;              // the smallest of all outputs
  std::int64_t num_agreeing = 0;  // of the source's result, the parts that the run has too,
  std::int64_t num_parts = 0;     // and all of them: detections, images or pixels
  std::string problem;            // empty: everything is inside the tolerance
};

// Both are the manifest's outputs, in its order and shapes.
[[nodiscard]] Comparison Compare(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                                 const Manifest& manifest);

}  // namespace edgewright
