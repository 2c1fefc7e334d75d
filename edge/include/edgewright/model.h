// A pack, ready to run:
//
//   Result<Pack> pack = Pack::Open("build/yolo-fastestv2/ncnn-fp16");
//   if (!pack.ok()) return Report(pack.error());
//   Result<Model> model = Model::Load(pack.value(), /*num_threads=*/1);
//   if (!model.ok()) return Report(model.error());
//   Result<Prediction> found = model.value().Predict({pixels, 640, 480, 640 * 3});
//   if (!found.ok()) return Report(found.error());
//   for (const Detection& detection : std::get<Detections>(found.value())) ...
#pragma once

#include <optional>
#include <vector>

#include "edgewright/image.h"
#include "edgewright/manifest.h"
#include "edgewright/map_view.h"
#include "edgewright/ncnn_model.h"
#include "edgewright/pack.h"
#include "edgewright/prediction.h"
#include "edgewright/preprocess.h"
#include "edgewright/result.h"

namespace edgewright {

// The network of a pack for ncnn, at the manifest's precision.
[[nodiscard]] Result<NcnnModel> LoadNcnnModel(const Pack& pack, int num_threads);

// Not thread-safe; several models may run at the same time.
class Model {
 public:
  [[nodiscard]] static Result<Model> Load(const Pack& pack, int num_threads);

  // Of a BGR image, in its pixels.  No detections means that nothing was found.
  [[nodiscard]] Result<Prediction> Predict(const ImageView& source_bgr);

  // The steps of `Predict` before decoding, for verification and measurement.  Each result is valid until its step is
  // repeated.
  [[nodiscard]] Result<const Image*> NetworkImage(const ImageView& source_bgr);
  [[nodiscard]] const std::vector<float>& Normalise(const ImageView& network_image);
  [[nodiscard]] Result<std::vector<MapView>> Infer(const std::vector<float>& planes);  // in the manifest's order

  // The user's thresholds, 0..1, instead of the manifest's.  An error for packs that do not detect.
  [[nodiscard]] Status SetThresholds(std::optional<float> score, std::optional<float> iou);
  [[nodiscard]] const Decode& decode() const { return decode_; }

 private:
  Model(const Manifest& manifest, NcnnModel network);

  Preprocess preprocess_;
  std::vector<ModelOutput> outputs_;
  Decode decode_;
  Preprocessor preprocessor_;
  NcnnModel network_;
};

}  // namespace edgewright
