#include "frames.h"

#include "edgewright/golden.h"
#include "edgewright/prediction.h"
#include "image_file.h"
#include "timing.h"

namespace edgebench {

using edgewright::Error;
using edgewright::Image;
using edgewright::ImageView;
using edgewright::MapView;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Prediction;
using edgewright::Result;

Result<Image> ImageToMeasure(const Pack& pack, const std::string& path) {
  if (!path.empty()) return ReadImage(path);
  Result<edgewright::GoldenCase> golden = edgewright::ReadGoldenCase(pack, pack.manifest().golden.cases.front());
  if (!golden.ok()) return golden.error();
  return std::move(golden.value().source_bgr);
}

Result<RunTimes> RunFrame(const ImageView& image, Model* model) {
  Stopwatch watch;
  const Result<const std::vector<float>*> planes = model->Planes(image);
  if (!planes.ok()) return planes.error();
  const double preprocess_ms = watch.LapMs();
  const Result<std::vector<MapView>> maps = model->Infer(*planes.value());
  if (!maps.ok()) return maps.error();
  const double inference_ms = watch.LapMs();
  Prediction prediction;
  model->Decode(maps.value(), image, &prediction);
  return RunTimes{preprocess_ms, inference_ms, watch.LapMs()};
}

}  // namespace edgebench
