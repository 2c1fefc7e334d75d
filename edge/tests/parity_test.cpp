#include "edgewright/parity.h"

#include <doctest/doctest.h>

#include <limits>

#include "test_map.h"

using edgewright::ClassActivation;
using edgewright::ClassifyDecode;
using edgewright::Compare;
using edgewright::Comparison;
using edgewright::Decode;
using edgewright::DetectDecode;
using edgewright::Manifest;
using edgewright::SegmentDecode;
using edgewright::Tolerance;
using edgewright::YoloFastestV2Head;

namespace {

Manifest With(Decode decode, const Tolerance& tolerance) {
  Manifest manifest;
  manifest.outputs.emplace_back();
  manifest.outputs.front().name = "out";
  manifest.decode = std::move(decode);
  manifest.golden.tolerance = tolerance;
  return manifest;
}

Manifest Segmenter(double min_agreement) { return With(SegmentDecode{0}, {{}, {}, 0.1, {}, min_agreement}); }

Manifest Classifier() { return With(ClassifyDecode{0, ClassActivation::kSoftmax}, {{}, {}, 0.1, {}, {}}); }

Manifest Detector() {
  return With(DetectDecode{0.3F, 0.5F, 100, YoloFastestV2Head{{{0, 16, {{10, 20}}}}}}, {{}, {}, 0.05, 0.9, {}});
}

Comparison Run(const TestMap& reference, const TestMap& outputs, const Manifest& manifest) {
  return Compare({reference.view()}, {outputs.view()}, manifest);
}

TestMap Logits(const std::vector<float>& values) {
  TestMap map(static_cast<int>(values.size()), 1, 1);
  map.values = values;
  return map;
}

// One anchor, one class, 1 x 2 cells.
TestMap OneBox(float score, float x = 0.5F) {
  TestMap map(6, 1, 2, 0.5F);
  map.at(0, 0, 0) = x;
  map.at(4, 0, 0) = score;
  map.at(5, 0, 0) = 1;
  map.at(4, 0, 1) = 0;
  return map;
}

}  // namespace

TEST_CASE("an error is a fraction of the reference's largest value where that exceeds one") {
  Manifest manifest = Classifier();
  CHECK(Run(Logits({200, 0}), Logits({201, 0}), manifest).max_error == doctest::Approx(0.005));
  CHECK(Run(Logits({0.5F, 0}), Logits({0.25F, 0}), manifest).max_error == 0.25);
  manifest.golden.tolerance.max_error = 0.004;
  CHECK(Run(Logits({200, 0}), Logits({201, 0}), manifest).problem == "largest error 5.00e-03 exceeds 4e-03");
}

TEST_CASE("outputs that point elsewhere, and outputs that are no numbers, are problems") {
  Manifest manifest = Classifier();
  manifest.golden.tolerance.min_cosine = 0.9;
  CHECK(Run(Logits({3, 0}), Logits({3, 4}), manifest).problem == "cosine similarity 0.600000 is below 0.9");
  CHECK(Run(Logits({0, 0}), Logits({0, 0}), manifest).cosine == 1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(Run(Logits({3, 0}), Logits({3, nan}), manifest).problem == "output out holds NaN or infinity");
  CHECK(Run(Logits({3, nan}), Logits({3, 0}), manifest).problem == "output out holds NaN or infinity");
}

TEST_CASE("a classifier may choose between near-ties, not against the source") {
  const auto tie = Run(Logits({0.01F, 0, -9}), Logits({0, 0.01F, -9}), Classifier());
  CHECK(tie.problem.empty());
  CHECK(tie.num_agreeing == 1);
  CHECK(tie.num_parts == 1);
  const auto other = Run(Logits({2, 0, -9}), Logits({0, 2, -9}), Classifier());
  CHECK(other.problem == "best class 1, the source has 0 (0.881 against 0.119)");
  CHECK(other.num_agreeing == 0);
  const auto unsure = Run(Logits({2, 0, -9}), Logits({1, 0, -9}), Classifier());
  CHECK(unsure.problem.rfind("a class probability differs by 0.14", 0) == 0);
}

TEST_CASE("pixels agree when their class is the source's or nearly was") {
  TestMap reference(2, 1, 4);
  TestMap outputs(2, 1, 4);
  for (int x = 0; x < 4; ++x) reference.at(0, 0, x) = outputs.at(0, 0, x) = 3;
  reference.at(0, 0, 1) = 0.01F;  // a near-tie, lost
  outputs.at(0, 0, 1) = -0.01F;
  outputs.at(1, 0, 2) = 9;  // another class altogether
  const auto found = Run(reference, outputs, Segmenter(0.75));
  CHECK(found.num_agreeing == 3);
  CHECK(found.num_parts == 4);
  CHECK(found.problem.empty());
  CHECK(Run(reference, outputs, Segmenter(0.8)).problem == "1 of 4 pixels have another class; 0.8 must agree");
}

TEST_CASE("detections need a partner on the other side unless they are as good as below the threshold") {
  const auto same = Run(OneBox(0.8F), OneBox(0.78F), Detector());
  CHECK(same.problem.empty());
  CHECK(same.num_agreeing == 1);
  CHECK(same.num_parts == 1);
  CHECK(Run(OneBox(0.8F), OneBox(0.1F), Detector()).problem.rfind("missing detection: class 0, score 0.800", 0) == 0);
  CHECK(Run(OneBox(0.1F), OneBox(0.8F), Detector()).problem.rfind("extra detection: class 0, score 0.800", 0) == 0);
  CHECK(Run(OneBox(0.8F), OneBox(0.8F, 0.9F), Detector()).problem.rfind("missing detection", 0) == 0);
  CHECK(Run(OneBox(0.32F), OneBox(0.1F), Detector()).problem.empty());
}
