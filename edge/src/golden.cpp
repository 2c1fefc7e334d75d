#include "edgewright/golden.h"

#include <algorithm>
#include <cmath>

#include "edgewright/safetensors.h"

namespace edgewright {
namespace {

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

Result<Prediction> FindDetections(const Tensors& tensors) {
  const Result<const Tensor*> scores = FindTensor(tensors, "scores", TensorType::kFloat32, {-1});
  if (!scores.ok()) return scores.error();
  const std::int64_t count = scores.value()->shape[0];
  const Result<const Tensor*> boxes = FindTensor(tensors, "boxes_xyxy", TensorType::kFloat32, {count, 4});
  if (!boxes.ok()) return boxes.error();
  const Result<const Tensor*> classes = FindTensor(tensors, "class_indices", TensorType::kInt64, {count});
  if (!classes.ok()) return classes.error();

  Detections detections;
  const auto* box = boxes.value()->as<float>();
  for (std::int64_t i = 0; i < count; ++i, box += 4) {
    detections.push_back({{box[0], box[1], box[2], box[3]},
                          scores.value()->as<float>()[i],
                          static_cast<int>(classes.value()->as<std::int64_t>()[i])});
  }
  return Prediction(std::move(detections));
}

Result<Prediction> FindClassification(const Tensors& tensors, std::int64_t num_classes) {
  const Result<const Tensor*> found = FindTensor(tensors, "probabilities", TensorType::kFloat32, {num_classes});
  if (!found.ok()) return found.error();
  const auto* values = found.value()->as<float>();
  return Prediction(Classification{{values, values + num_classes}});
}

Result<Prediction> FindLabelMap(const Tensors& tensors, const ModelOutput& output) {
  const Result<const Tensor*> found = FindTensor(tensors, "labels", TensorType::kUint16, {output.height, output.width});
  if (!found.ok()) return found.error();
  const auto* labels = found.value()->as<std::uint16_t>();
  return Prediction(LabelMap{output.width, output.height, {labels, labels + found.value()->num_elements()}});
}

// Each kind of result is stored under names of its own.
Result<Prediction> FindPrediction(const Tensors& tensors, const Manifest& manifest) {
  if (std::holds_alternative<ClassifyDecode>(manifest.decode)) {
    return FindClassification(tensors, static_cast<std::int64_t>(manifest.labels.size()));
  }
  if (const auto* segment = std::get_if<SegmentDecode>(&manifest.decode)) {
    return FindLabelMap(tensors, manifest.outputs[segment->output]);
  }
  return FindDetections(tensors);
}

// What decoding on this device gives for the golden maps, against what Python gave: the same, but for the last bit of
// an exponential.
constexpr double kMaxRounding = 1e-6;
constexpr double kMinIou = 0.9999;

bool IsClose(float a, float b) { return std::abs(double{a} - double{b}) <= kMaxRounding; }

bool AreSame(const Detection& a, const Detection& b) {
  return a.class_index == b.class_index && IsClose(a.score, b.score) && OverlapsBy(a.box, b.box, kMinIou);
}

// Both are of the manifest's task.
bool AreSame(const Prediction& a, const Prediction& b) {
  if (const auto* ours = std::get_if<Detections>(&a)) {
    const auto* theirs = std::get_if<Detections>(&b);
    return std::equal(ours->begin(), ours->end(), theirs->begin(), theirs->end(),
                      [](const Detection& x, const Detection& y) { return AreSame(x, y); });
  }
  if (const auto* ours = std::get_if<Classification>(&a)) {
    const auto& theirs = std::get_if<Classification>(&b)->probabilities;
    return std::equal(ours->probabilities.begin(), ours->probabilities.end(), theirs.begin(), theirs.end(), IsClose);
  }
  return std::get_if<LabelMap>(&a)->labels == std::get_if<LabelMap>(&b)->labels;
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
  Result<Prediction> prediction = FindPrediction(tensors.value(), manifest);
  if (!prediction.ok()) return in_file(prediction.error());

  GoldenCase golden{std::move(source.value()), std::move(network_image.value()), {}, std::move(prediction.value())};
  for (const ModelOutput& output : manifest.outputs) {
    const Result<const Tensor*> map =
        FindTensor(tensors.value(), output.name, TensorType::kFloat32, {output.channels, output.height, output.width});
    if (!map.ok()) return in_file(map.error());
    const auto* values = map.value()->as<float>();
    golden.maps.emplace_back(values, values + map.value()->num_elements());
  }
  return golden;
}

Result<Comparison> RunGoldenCase(const GoldenCase& golden, const Manifest& manifest, Model* model) {
  const Result<const Image*> network_image = model->NetworkImage(golden.source_bgr.view());
  if (!network_image.ok()) return network_image.error();
  const bool same_image = network_image.value()->pixels() == golden.network_image.pixels();
  const Result<std::vector<MapView>> outputs = model->Infer(model->Normalise(golden.network_image.view()));
  if (!outputs.ok()) return outputs.error();
  const std::vector<MapView> reference = Views(golden, manifest);
  Comparison comparison = Compare(reference, outputs.value(), manifest);
  if (!AreSame(DecodeOutputs(reference, manifest.decode), golden.prediction)) {
    comparison.problem = "decoding the golden outputs does not give the golden result";
  }
  if (!same_image) comparison.problem = "the network image is not reproduced exactly";
  return comparison;
}

}  // namespace edgewright
