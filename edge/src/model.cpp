#include "edgewright/model.h"

#include <utility>

#include "edgewright/load_network.h"

namespace edgewright {
namespace {

std::string ShapeText(int channels, int height, int width) {
  return "[" + std::to_string(channels) + ", " + std::to_string(height) + ", " + std::to_string(width) + "]";
}

}  // namespace

Model::Model(const Manifest& manifest, std::unique_ptr<Network> network)
    : preprocess_(manifest.input.preprocess),
      outputs_(manifest.outputs),
      decode_(manifest.decode),
      preprocessor_(manifest.input.preprocess),
      network_(std::move(network)) {}

Result<Model> Model::Load(const Pack& pack, int num_threads, const std::string& litert_library) {
  Result<std::unique_ptr<Network>> network = LoadNetwork(pack, num_threads, litert_library);
  if (!network.ok()) return network.error();
  return Model(pack.manifest(), std::move(network.value()));
}

Result<const std::vector<float>*> Model::Planes(const ImageView& source) {
  if (const Status checked = CheckView(source); !checked.ok()) return checked.error();
  return &preprocessor_.Planes(source);
}

Result<const Image*> Model::NetworkImage(const ImageView& source) {
  if (const Status checked = CheckView(source); !checked.ok()) return checked.error();
  return &preprocessor_.NetworkImage(source);
}

const std::vector<float>& Model::Normalise(const ImageView& network_image) {
  return preprocessor_.Normalise(network_image);
}

Status Model::Infer(const std::vector<float>& planes, std::vector<MapView>* maps) {
  const Status ran = network_->Run(planes.data(), preprocess_.width, preprocess_.height, maps);
  return ran.ok() ? CheckShapes(*maps) : ran;
}

Status Model::CheckShapes(const std::vector<MapView>& maps) const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const ModelOutput& wanted = outputs_[i];
    const MapView& map = maps[i];
    if (map.channels != wanted.channels || map.height != wanted.height || map.width != wanted.width) {
      return CheckError("output " + wanted.name + " has shape " + ShapeText(map.channels, map.height, map.width) +
                        ", the manifest says " + ShapeText(wanted.channels, wanted.height, wanted.width));
    }
  }
  return Done{};
}

Result<std::vector<MapView>> Model::Infer(const std::vector<float>& planes) {
  std::vector<MapView> maps;
  if (const Status inferred = Infer(planes, &maps); !inferred.ok()) return inferred.error();
  return maps;
}

void Model::Decode(const std::vector<MapView>& outputs, const ImageView& source, Prediction* prediction) {
  decoder_.Run(outputs, decode_, preprocessor_.Place(source), prediction);
}

Status Model::Predict(const ImageView& source, Prediction* prediction) {
  if (const Status checked = CheckView(source); !checked.ok()) return checked;
  const Result<InputPlanes> input = network_->Input(preprocess_.width, preprocess_.height);
  if (!input.ok()) return input.error();
  preprocessor_.Planes(source, input.value().data, input.value().plane_stride);
  if (const Status ran = network_->Run(&maps_); !ran.ok()) return ran;
  if (const Status checked = CheckShapes(maps_); !checked.ok()) return checked;
  Decode(maps_, source, prediction);
  return Done{};
}

Result<Prediction> Model::Predict(const ImageView& source) {
  Prediction prediction;
  if (const Status predicted = Predict(source, &prediction); !predicted.ok()) return predicted.error();
  return prediction;
}

Status Model::SetThresholds(std::optional<float> score, std::optional<float> iou) {
  auto* detect = std::get_if<DetectDecode>(&decode_);
  if (detect == nullptr) {
    return InputError(std::string("only detectors have thresholds, this pack is for the task ") + TaskName(decode_));
  }
  detect->score_threshold = score.value_or(detect->score_threshold);
  detect->iou_threshold = iou.value_or(detect->iou_threshold);
  return Done{};
}

}  // namespace edgewright
