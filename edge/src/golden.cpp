// The same comparison as edgewright_export/parity.py.
#include "edgewright/golden.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "edgewright/safetensors.h"

namespace edgewright {
namespace {

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[200];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

Image ToImage(const Tensor& tensor) {
  Image image(static_cast<int>(tensor.shape[1]), static_cast<int>(tensor.shape[0]));
  std::copy(tensor.data.begin(), tensor.data.end(), image.row(0));
  return image;
}

Result<Image> FindImage(const Tensors& tensors, const char* name, int height, int width) {
  const Result<const Tensor*> tensor = FindTensor(tensors, name, TensorType::kUint8, {height, width, 3});
  if (!tensor.ok()) return tensor.error();
  const std::vector<std::int64_t>& shape = tensor.value()->shape;
  if (shape[0] < 1 || shape[1] < 1 || shape[0] > kMaxImageSide || shape[1] > kMaxImageSide) {
    return InputError("tensor " + std::string(name) + " is not an image of 1 to " + std::to_string(kMaxImageSide) +
                      " pixels a side");
  }
  return ToImage(*tensor.value());
}

Result<std::vector<Detection>> FindDetections(const Tensors& tensors) {
  const Result<const Tensor*> scores = FindTensor(tensors, "scores", TensorType::kFloat32, {-1});
  if (!scores.ok()) return scores.error();
  const std::int64_t count = scores.value()->shape[0];
  const Result<const Tensor*> boxes = FindTensor(tensors, "boxes_xyxy", TensorType::kFloat32, {count, 4});
  if (!boxes.ok()) return boxes.error();
  const Result<const Tensor*> classes = FindTensor(tensors, "class_indices", TensorType::kInt64, {count});
  if (!classes.ok()) return classes.error();

  std::vector<Detection> detections;
  const auto* box = boxes.value()->as<float>();
  for (std::int64_t i = 0; i < count; ++i, box += 4) {
    detections.push_back({{box[0], box[1], box[2], box[3]},
                          scores.value()->as<float>()[i],
                          static_cast<int>(classes.value()->as<std::int64_t>()[i])});
  }
  return detections;
}

struct Sums {  // in double, over all values of one map
  double max_difference = 0;
  double max_reference = 0;
  double dot = 0;
  double expected = 0;
  double found = 0;
  bool finite = true;
};

Sums Compare(const std::vector<float>& expected, const MapView& found) {
  Sums sums;
  const auto plane_size = static_cast<std::size_t>(found.height) * static_cast<std::size_t>(found.width);
  for (int c = 0; c < found.channels; ++c) {
    const float* reference = expected.data() + static_cast<std::size_t>(c) * plane_size;
    const float* values = found.channel(c);
    for (std::size_t i = 0; i < plane_size; ++i) {
      const double a = reference[i];
      const double b = values[i];
      sums.finite = sums.finite && std::isfinite(values[i]);
      sums.max_difference = std::max(sums.max_difference, std::abs(a - b));
      sums.max_reference = std::max(sums.max_reference, std::abs(a));
      sums.dot += a * b;
      sums.expected += a * a;
      sums.found += b * b;
    }
  }
  return sums;
}

double Cosine(const Sums& sums) {
  const double norms = std::sqrt(sums.expected) * std::sqrt(sums.found);
  if (norms > 0) return sums.dot / norms;
  return sums.max_difference == 0 ? 1 : 0;  // at least one map is all zero
}

bool ArePartners(const Detection& a, const Detection& b, const Tolerance& tolerance) {
  return a.class_index == b.class_index && IntersectionOverUnion(a.box, b.box) >= *tolerance.min_iou &&
         std::abs(double{a.score} - double{b.score}) <= tolerance.max_score_diff;
}

// One run's detections, and its candidates before suppression.  Two boxes that overlap by almost the suppression
// threshold survive or not by a rounding error; a detection's partner may therefore be among the other side's
// candidates.
struct Side {
  std::vector<Detection> candidates;
  std::vector<Detection> detections;
};

bool HasPartner(const Detection& detection, const Side& other, const Tolerance& tolerance) {
  return std::any_of(other.candidates.begin(), other.candidates.end(),
                     [&](const Detection& candidate) { return ArePartners(detection, candidate, tolerance); });
}

// The first detection without a partner that is too sure to be missing; empty when there is none.
std::string Lonely(const char* what, const Side& side, const Side& other, const Manifest& manifest) {
  const double sure = double{manifest.decode.score_threshold} + manifest.golden.tolerance.max_score_diff;
  for (const Detection& d : side.detections) {
    if (double{d.score} <= sure || HasPartner(d, other, manifest.golden.tolerance)) continue;
    return Format("%s detection: class %d, score %.3f, box [%.1f, %.1f, %.1f, %.1f]", what, d.class_index,
                  double{d.score}, double{d.box.x1}, double{d.box.y1}, double{d.box.x2}, double{d.box.y2});
  }
  return {};
}

void CompareMaps(const GoldenCase& golden, const std::vector<MapView>& outputs, const Manifest& manifest,
                 GoldenReport* report) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Sums sums = Compare(golden.maps[i], outputs[i]);
    if (!sums.finite) report->problem = "output " + manifest.outputs[i].name + " holds NaN or infinity";
    report->max_error = std::max(report->max_error, sums.max_difference / std::max(1.0, sums.max_reference));
    report->cosine = std::min(report->cosine, Cosine(sums));
  }
  const Tolerance& tolerance = manifest.golden.tolerance;
  if (!report->problem.empty()) return;
  if (tolerance.max_error && report->max_error > *tolerance.max_error) {
    report->problem = Format("largest error %.2e exceeds %.0e", report->max_error, *tolerance.max_error);
  } else if (tolerance.min_cosine && report->cosine < *tolerance.min_cosine) {
    report->problem = Format("cosine similarity %.6f is below %g", report->cosine, *tolerance.min_cosine);
  }
}

void CompareDetections(const Side& reference, const Side& run, const Manifest& manifest, GoldenReport* report) {
  const auto is_found = [&](const Detection& d) { return HasPartner(d, run, manifest.golden.tolerance); };
  report->num_reference = static_cast<int>(reference.detections.size());
  report->num_matched =
      static_cast<int>(std::count_if(reference.detections.begin(), reference.detections.end(), is_found));
  if (report->problem.empty()) report->problem = Lonely("missing", reference, run, manifest);
  if (report->problem.empty()) report->problem = Lonely("extra", run, reference, manifest);
}

std::vector<MapView> Views(const GoldenCase& golden, const Manifest& manifest) {
  std::vector<MapView> views;
  for (std::size_t i = 0; i < manifest.outputs.size(); ++i) {
    const ModelOutput& output = manifest.outputs[i];
    const auto plane_size = static_cast<std::size_t>(output.height) * static_cast<std::size_t>(output.width);
    views.push_back({golden.maps[i].data(), output.channels, output.height, output.width, plane_size});
  }
  return views;
}

}  // namespace

Result<GoldenCase> ReadGoldenCase(const Pack& pack, const std::string& path) {
  const Manifest& manifest = pack.manifest();
  const auto in_file = [&](const Error& error) { return Error{error.kind, path + ": " + error.message}; };
  const Result<Bytes> bytes = pack.Read(path);
  if (!bytes.ok()) return bytes.error();
  const Result<Tensors> tensors = ParseSafetensors(bytes.value());
  if (!tensors.ok()) return in_file(tensors.error());

  Result<Image> source = FindImage(tensors.value(), "source_bgr", -1, -1);
  if (!source.ok()) return in_file(source.error());
  const Preprocess& rule = manifest.input.preprocess;
  Result<Image> network_image = FindImage(tensors.value(), "network_image", rule.height, rule.width);
  if (!network_image.ok()) return in_file(network_image.error());
  Result<std::vector<Detection>> detections = FindDetections(tensors.value());
  if (!detections.ok()) return in_file(detections.error());

  GoldenCase golden{std::move(source.value()), std::move(network_image.value()), {}, std::move(detections.value())};
  for (const ModelOutput& output : manifest.outputs) {
    const Result<const Tensor*> map =
        FindTensor(tensors.value(), output.name, TensorType::kFloat32, {output.channels, output.height, output.width});
    if (!map.ok()) return in_file(map.error());
    const auto* values = map.value()->as<float>();
    golden.maps.emplace_back(values, values + map.value()->num_elements());
  }
  return golden;
}

Result<GoldenReport> RunGoldenCase(const GoldenCase& golden, const Manifest& manifest, Detector* detector) {
  const Result<const Image*> network_image = detector->NetworkImage(golden.source_bgr.view());
  if (!network_image.ok()) return network_image.error();
  GoldenReport report;
  if (network_image.value()->pixels() != golden.network_image.pixels()) {
    report.problem = "the network image is not reproduced exactly";
  }
  // From the golden network image on, so that each step is judged by itself.
  const Result<std::vector<MapView>> outputs = detector->Infer(detector->Normalise(golden.network_image.view()));
  if (!outputs.ok()) return outputs.error();
  CompareMaps(golden, outputs.value(), manifest, &report);
  const Side reference{detector->Candidates(Views(golden, manifest)), golden.detections};
  Side run;
  run.candidates = detector->Candidates(outputs.value());
  run.detections = detector->Suppress(run.candidates);
  CompareDetections(reference, run, manifest, &report);
  return report;
}

}  // namespace edgewright
