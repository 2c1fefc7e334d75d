#include "edgewright/parity.h"

#include <algorithm>
#include <cmath>

#include "parity_parts.h"

namespace edgewright {
namespace {

struct Sums {  // in double, over all values of one map
  double max_difference = 0;
  double max_reference = 0;
  double dot = 0;
  double reference = 0;
  double found = 0;
  bool finite = true;
};

Sums CompareMaps(const MapView& reference, const MapView& found) {
  Sums sums;
  const auto plane_size = static_cast<std::size_t>(found.height) * static_cast<std::size_t>(found.width);
  for (int c = 0; c < found.channels; ++c) {
    const float* expected = reference.channel(c);
    const float* values = found.channel(c);
    for (std::size_t i = 0; i < plane_size; ++i) {
      const double a = expected[i];
      const double b = values[i];
      sums.finite = sums.finite && std::isfinite(a) && std::isfinite(b);
      sums.max_difference = std::max(sums.max_difference, std::abs(a - b));
      sums.max_reference = std::max(sums.max_reference, std::abs(a));
      sums.dot += a * b;
      sums.reference += a * a;
      sums.found += b * b;
    }
  }
  return sums;
}

double Cosine(const Sums& sums) {
  const double norms = std::sqrt(sums.reference) * std::sqrt(sums.found);
  if (norms > 0) return sums.dot / norms;
  return sums.max_difference == 0 ? 1 : 0;  // at least one map is all zero
}

std::string Problem(const Comparison& comparison, const Tolerance& tolerance) {
  if (tolerance.max_error && !(comparison.max_error <= *tolerance.max_error)) {
    return Format("largest error %.2e exceeds %.0e", comparison.max_error, *tolerance.max_error);
  }
  if (tolerance.min_cosine && !(comparison.cosine >= *tolerance.min_cosine)) {
    return Format("cosine similarity %.6f is below %g", comparison.cosine, *tolerance.min_cosine);
  }
  return {};
}

}  // namespace

Comparison Compare(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                   const Manifest& manifest) {
  Comparison comparison;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Sums sums = CompareMaps(reference[i], outputs[i]);
    if (!sums.finite) return {INFINITY, 0, 0, 0, "output " + manifest.outputs[i].name + " holds NaN or infinity"};
    comparison.max_error = std::max(comparison.max_error, sums.max_difference / std::max(1.0, sums.max_reference));
    comparison.cosine = std::min(comparison.cosine, Cosine(sums));
  }
  const Tolerance& tolerance = manifest.golden.tolerance;
  if (const auto* detect = std::get_if<DetectDecode>(&manifest.decode)) {
    CompareDetections(reference, outputs, *detect, tolerance, &comparison);
  } else if (const auto* classify = std::get_if<ClassifyDecode>(&manifest.decode)) {
    CompareClassifications(reference, outputs, *classify, tolerance, &comparison);
  } else if (const auto* segment = std::get_if<SegmentDecode>(&manifest.decode)) {
    CompareLabelMaps(reference, outputs, *segment, tolerance, &comparison);
  }
  if (std::string problem = Problem(comparison, tolerance); !problem.empty()) comparison.problem = std::move(problem);
  return comparison;
}

}  // namespace edgewright
