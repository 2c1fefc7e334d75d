#include "edgewright/classify.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "activation.h"

namespace edgewright {
namespace {

void Softmax(std::vector<float>* values) {
  const double largest = *std::max_element(values->begin(), values->end());
  const auto power = [&](float logit) { return std::exp(double{logit} - largest); };
  double sum = 0;
  for (const float logit : *values) sum += power(logit);
  for (float& value : *values) value = static_cast<float>(power(value) / sum);
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

void Classify(const std::vector<MapView>& outputs, const ClassifyDecode& decode, Classification* result) {
  const MapView& map = outputs[decode.output];
  std::vector<float>& values = result->probabilities;
  values.clear();
  for (int c = 0; c < map.channels; ++c) values.push_back(*map.channel(c));
  if (decode.activation == ClassActivation::kSoftmax) return Softmax(&values);
  std::transform(values.begin(), values.end(), values.begin(), Sigmoid);
}

Classification Classify(const std::vector<MapView>& outputs, const ClassifyDecode& decode) {
  Classification result;
  Classify(outputs, decode, &result);
  return result;
}

}  // namespace edgewright
