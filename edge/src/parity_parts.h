// What the outputs mean, compared: one function per task.  Each fills `num_agreeing`, `num_parts` and, when something
// is wrong, `problem`.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "edgewright/decode.h"
#include "edgewright/manifest.h"
#include "edgewright/map_view.h"
#include "edgewright/parity.h"

namespace edgewright {

void CompareDetections(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                       const DetectDecode& decode, const Tolerance& tolerance, Comparison* comparison);
void CompareClassifications(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                            const ClassifyDecode& decode, const Tolerance& tolerance, Comparison* comparison);
void CompareLabelMaps(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                      const SegmentDecode& decode, const Tolerance& tolerance, Comparison* comparison);

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[200];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

}  // namespace edgewright
