// Do two runs see the same classes?  A near-tie may fall either way; a class that was far behind may not win.
#include <algorithm>
#include <cmath>

#include "edgewright/classify.h"
#include "edgewright/segment.h"
#include "parity_parts.h"

namespace edgewright {
namespace {

// How far the probability of `given` is behind the best one in a pixel of logits.
double Behind(const MapView& logits, std::size_t pixel, int given) {
  double largest = logits.channel(0)[pixel];
  for (int c = 1; c < logits.channels; ++c) largest = std::max(largest, double{logits.channel(c)[pixel]});
  double sum = 0;
  for (int c = 0; c < logits.channels; ++c) sum += std::exp(double{logits.channel(c)[pixel]} - largest);
  return (1 - std::exp(double{logits.channel(given)[pixel]} - largest)) / sum;
}

}  // namespace

void CompareClassifications(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                            const ClassifyDecode& decode, const Tolerance& tolerance, Comparison* comparison) {
  const Classification ours = Classify(reference, decode);
  const Classification theirs = Classify(outputs, decode);
  double worst = 0;
  for (std::size_t i = 0; i < ours.probabilities.size(); ++i) {
    worst = std::max(worst, std::abs(double{ours.probabilities[i]} - double{theirs.probabilities[i]}));
  }
  const auto probability = [&](int index) { return double{ours.probabilities[static_cast<std::size_t>(index)]}; };
  const int best = ours.Top(1).front();
  const int given = theirs.Top(1).front();
  if (worst > tolerance.max_score_diff) {
    comparison->problem = Format("a class probability differs by %.4f, more than %g", worst, tolerance.max_score_diff);
  }
  if (probability(best) - probability(given) > tolerance.max_score_diff) {
    comparison->problem = Format("best class %d, the source has %d (%.3f against %.3f)", given, best, probability(best),
                                 probability(given));
  }
  comparison->num_parts = 1;
  comparison->num_agreeing = comparison->problem.empty() ? 1 : 0;
}

void CompareLabelMaps(const std::vector<MapView>& reference, const std::vector<MapView>& outputs,
                      const SegmentDecode& decode, const Tolerance& tolerance, Comparison* comparison) {
  const std::vector<std::uint16_t> ours = Segment(reference, decode).labels;
  const std::vector<std::uint16_t> theirs = Segment(outputs, decode).labels;
  std::int64_t num_agreeing = 0;
  for (std::size_t pixel = 0; pixel < ours.size(); ++pixel) {
    const bool agrees = ours[pixel] == theirs[pixel] ||
                        Behind(reference[decode.output], pixel, theirs[pixel]) <= tolerance.max_score_diff;
    num_agreeing += agrees ? 1 : 0;
  }
  const auto num_pixels = static_cast<std::int64_t>(ours.size());
  const double min_agreement = tolerance.min_agreement.value_or(1);  // a segmenter's manifest has it
  if (static_cast<double>(num_agreeing) / static_cast<double>(num_pixels) < min_agreement) {
    comparison->problem = std::to_string(num_pixels - num_agreeing) + " of " + std::to_string(num_pixels) +
                          Format(" pixels have another class; %g must agree", min_agreement);
  }
  comparison->num_agreeing = num_agreeing;
  comparison->num_parts = num_pixels;
}

}  // namespace edgewright
