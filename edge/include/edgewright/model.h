// A pack, ready to run:
//
//   Result<Pack> pack = Pack::Open("build/yolo-fastestv2/ncnn-fp16");
//   if (!pack.ok()) return Report(pack.error());
//   Result<Model> model = Model::Load(pack.value(), /*num_threads=*/1);
//   if (!model.ok()) return Report(model.error());
//   Result<Prediction> found = model.value().Predict({pixels, 640, 480, 640 * 3});  // BGR; image.h has other formats
//   if (!found.ok()) return Report(found.error());
//   for (const Detection& detection : std::get<Detections>(found.value())) ...
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edgewright/image.h"
#include "edgewright/manifest.h"
#include "edgewright/map_view.h"
#include "edgewright/network.h"
#include "edgewright/pack.h"
#include "edgewright/prediction.h"
#include "edgewright/preprocess.h"
#include "edgewright/result.h"

namespace edgewright {

// Not thread-safe: one call at a time.  Models share nothing, so that several may run at the same time, each in a
// thread of its own; a model may move between threads.
class Model {
 public:
  // `litert_library`: the path of libLiteRt.so, for tflite packs; empty: the dynamic linker finds it.
  [[nodiscard]] static Result<Model> Load(const Pack& pack, int num_threads, const std::string& litert_library = {});

  // Of an image, in pixels of the upright one.  No detections means that nothing was found.
  [[nodiscard]] Result<Prediction> Predict(const ImageView& source);
  // Into `prediction`, whose memory is used again: what every frame of a stream allocates, the network apart, is then
  // nothing once the first frames are through.
  [[nodiscard]] Status Predict(const ImageView& source, Prediction* prediction);

  // The steps of `Predict`.  What points to a result is valid until its step is repeated.
  [[nodiscard]] Result<const std::vector<float>*> Planes(const ImageView& source);
  [[nodiscard]] Result<std::vector<MapView>> Infer(const std::vector<float>& planes);  // in the manifest's order
  [[nodiscard]] Status Infer(const std::vector<float>& planes, std::vector<MapView>* maps);
  void Decode(const std::vector<MapView>& outputs, const ImageView& source, Prediction* prediction);

  // `Planes` in two steps, for verification.
  [[nodiscard]] Result<const Image*> NetworkImage(const ImageView& source);
  [[nodiscard]] const std::vector<float>& Normalise(const ImageView& network_image);

  // The user's thresholds, 0..1, instead of the manifest's.  An error for packs that do not detect.
  [[nodiscard]] Status SetThresholds(std::optional<float> score, std::optional<float> iou);
  [[nodiscard]] const edgewright::Decode& decode() const { return decode_; }

 private:
  Model(const Manifest& manifest, std::unique_ptr<Network> network);
  [[nodiscard]] Status CheckShapes(const std::vector<MapView>& maps) const;  // they are the manifest's

  Preprocess preprocess_;
  std::vector<ModelOutput> outputs_;
  edgewright::Decode decode_;
  Preprocessor preprocessor_;
  Decoder decoder_;
  std::unique_ptr<Network> network_;
  std::vector<MapView> maps_;
};

}  // namespace edgewright
