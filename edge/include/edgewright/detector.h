// A pack, ready to run:
//
//   Result<Pack> pack = Pack::Open("build/yolo-fastestv2/ncnn-fp16");
//   if (!pack.ok()) return Report(pack.error());
//   Result<Detector> detector = Detector::Load(pack.value(), /*num_threads=*/1);
//   if (!detector.ok()) return Report(detector.error());
//   Result<std::vector<Detection>> found = detector.value().Detect({pixels, 640, 480, 640 * 3});
#pragma once

#include <vector>

#include "edgewright/detect.h"
#include "edgewright/image.h"
#include "edgewright/manifest.h"
#include "edgewright/ncnn_model.h"
#include "edgewright/pack.h"
#include "edgewright/preprocess.h"
#include "edgewright/result.h"

namespace edgewright {

// The network of a pack for ncnn, at the manifest's precision.
[[nodiscard]] Result<NcnnModel> LoadNcnnModel(const Pack& pack, int num_threads);

// Not thread-safe; several detectors may run at the same time.
class Detector {
 public:
  [[nodiscard]] static Result<Detector> Load(const Pack& pack, int num_threads);

  // Objects in a BGR image, highest score first, boxes in its pixels.  No detections means that nothing was found.
  [[nodiscard]] Result<std::vector<Detection>> Detect(const ImageView& source_bgr);

  // The steps of `Detect`, for verification and measurement.  Each result is valid until its step is repeated.
  [[nodiscard]] Result<const Image*> NetworkImage(const ImageView& source_bgr);
  [[nodiscard]] const std::vector<float>& Normalise(const ImageView& network_image);
  [[nodiscard]] Result<std::vector<MapView>> Infer(const std::vector<float>& planes);  // in the manifest's order
  [[nodiscard]] std::vector<Detection> Candidates(const std::vector<MapView>& outputs) const;  // network pixels
  [[nodiscard]] std::vector<Detection> Suppress(std::vector<Detection> candidates) const;

  // The user's thresholds instead of the manifest's; both 0..1.
  void SetThresholds(float score_threshold, float iou_threshold);
  [[nodiscard]] const Decode& decode() const { return decode_; }

 private:
  Detector(const Manifest& manifest, NcnnModel model);

  Preprocess preprocess_;
  std::vector<ModelOutput> outputs_;
  Decode decode_;
  std::vector<std::size_t> scale_outputs_;  // for each scale of `decode_`, its output
  Preprocessor preprocessor_;
  NcnnModel model_;
};

}  // namespace edgewright
