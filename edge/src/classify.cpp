#include "edgewright/classify.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "activation.h"

namespace edgewright {
namespace {

std::vector<float> Softmax(const std::vector<float>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> powers;
  powers.reserve(logits.size());
  for (const float logit : logits) powers.push_back(std::exp(double{logit} - largest));
  const double sum = std::accumulate(powers.begin(), powers.end(), 0.0);
  std::vector<float> probabilities;
  probabilities.reserve(logits.size());
  for (const double power : powers) probabilities.push_back(static_cast<float>(power / sum));
  return probabilities;
}

}  // namespace

std::vector<int> Classification::Top(std::size_t count) const {
  std::vector<int> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](int index) {  // NaN last
    const float probability = probabilities[static_cast<std::size_t>(index)];
    return probability == probability ? probability : -1.0F;
  };
  const auto is_before = [&](int a, int b) { return key(a) > key(b) || (key(a) == key(b) && a < b); };
  const std::size_t num_wanted = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(num_wanted), order.end(), is_before);
  order.resize(num_wanted);
  return order;
}

Classification Classify(const std::vector<MapView>& outputs, const ClassifyDecode& decode) {
  const MapView& map = outputs[decode.output];
  std::vector<float> logits;
  logits.reserve(static_cast<std::size_t>(map.channels));
  for (int c = 0; c < map.channels; ++c) logits.push_back(*map.channel(c));
  if (decode.activation == ClassActivation::kSoftmax) return {Softmax(logits)};
  std::transform(logits.begin(), logits.end(), logits.begin(), Sigmoid);
  return {logits};
}

}  // namespace edgewright
