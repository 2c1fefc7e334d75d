// Are two runs' detections the same?  Each needs a partner on the other side.
#include <algorithm>
#include <cmath>

#include "edgewright/detect.h"
#include "parity_parts.h"

namespace edgewright {
namespace {

// One run's detections, and its candidates before suppression.  Two boxes that overlap by almost the suppression
// threshold survive or not by a rounding error; a detection's partner may therefore be among the other side's
// candidates.
struct Side {
  Side(const std::vector<MapView>& outputs, const DetectDecode& decode)
      : candidates(DecodeRows(outputs, decode)), detections(SuppressOverlaps(candidates, decode)) {}

  Detections candidates;
  Detections detections;
};

bool ArePartners(const Detection& a, const Detection& b, const Tolerance& tolerance) {
  const double min_iou = tolerance.min_iou.value_or(1);  // a detector's manifest has it
  return a.class_index == b.class_index && OverlapsBy(a.box, b.box, min_iou) &&
         std::abs(double{a.score} - double{b.score}) <= tolerance.max_score_diff;
}

bool HasPartner(const Detection& detection, const Side& other, const Tolerance& tolerance) {
  return std::any_of(other.candidates.begin(), other.candidates.end(),
                     [&](const Detection& candidate) { return ArePartners(detection, candidate, tolerance); });
}

// The first detection without a partner that is too sure to be missing; empty when there is none.
std::string Lonely(const char* what, const Side& side, const Side& other, double sure, const Tolerance& tolerance) {
  for (const Detection& d : side.detections) {
    if (double{d.score} <= sure || HasPartner(d, other, tolerance)) continue;
    return Format("%s detection: class %d, score %.3f, box [%.1f, %.1f, %.1f, %.1f]", what, d.class_index,
                  double{d.score}, double{d.box.x1}, double{d.box.y1}, double{d.box.x2}, double{d.box.y2});
  }
  return {};
}

}  // namespace

void CompareDetections(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                       const DetectDecode& decode, const Tolerance& tolerance, Comparison* comparison) {
  const Side ours(reference, decode);
  const Side theirs(outputs, decode);
  const double sure = double{decode.score_threshold} + tolerance.max_score_diff;
  const auto is_found = [&](const Detection& d) { return HasPartner(d, theirs, tolerance); };
  comparison->num_parts = static_cast<std::int64_t>(ours.detections.size());
  comparison->num_agreeing = std::count_if(ours.detections.begin(), ours.detections.end(), is_found);
  comparison->problem = Lonely("missing", ours, theirs, sure, tolerance);
  if (comparison->problem.empty()) comparison->problem = Lonely("extra", theirs, ours, sure, tolerance);
}

}  // namespace edgewright
