#include "edgewright/classify.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "test_map.h"

using edgewright::ClassActivation;
using edgewright::Classification;
using edgewright::Classify;

namespace {

TestMap Logits(const std::vector<float>& values) {
  TestMap map(static_cast<int>(values.size()), 1, 1);
  map.values = values;
  return map;
}

}  // namespace

TEST_CASE("softmax shares one among the classes, however large the logits") {
  const auto third = static_cast<float>(std::log(3.0));
  for (const float offset : {0.0F, 10.0F, -1000.0F}) {
    const auto result = Classify({Logits({offset, offset + third}).view()}, {0, ClassActivation::kSoftmax});
    REQUIRE(result.probabilities.size() == 2);
    CHECK(result.probabilities[0] == doctest::Approx(0.25).epsilon(1e-4));
    CHECK(result.probabilities[1] == doctest::Approx(0.75).epsilon(1e-4));
  }
}

TEST_CASE("sigmoid judges every class by itself") {
  const auto result = Classify({Logits({0, 1000, -1000}).view()}, {0, ClassActivation::kSigmoid});
  CHECK(result.probabilities == std::vector<float>{0.5F, 1, 0});
}

TEST_CASE("the output is the one the rule names") {
  const TestMap other = Logits({9, 0});
  const auto result = Classify({other.view(), Logits({0, 9}).view()}, {1, ClassActivation::kSoftmax});
  CHECK(result.Top(1) == std::vector<int>{1});
}

TEST_CASE("the best classes come first, of equals the lower one, NaN last") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Classification result{{nan, 0.2F, 0.4F, 0.2F, 0.0F}};
  CHECK(result.Top(3) == std::vector<int>{2, 1, 3});
  CHECK(result.Top(99) == std::vector<int>{2, 1, 3, 4, 0});
}
