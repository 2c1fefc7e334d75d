// YOLO-FastestV2 as the published NCNN sample runs it, step by step and nothing cleverer: what edgewright is compared
// with.  The one step that is not ncnn's is the resize: edgewright builds ncnn without its pixel functions, so that
// this is a plain loop over the same fixed-point arithmetic.
#pragma once

#include <vector>

#include "edgewright/image.h"
#include "edgewright/map_view.h"
#include "edgewright/ncnn_model.h"
#include "edgewright/prediction.h"

namespace edgebench {

class Sample {
 public:
  // A network with the sample's outputs: rows x columns x (12 box values, 3 objectness values, classes), strides 16 and
  // 32.  `head`: the anchors.
  Sample(edgewright::NcnnModel network, int width, int height, edgewright::YoloFastestV2Head head);

  // From a decoded BGR frame to boxes in its pixels.
  [[nodiscard]] edgewright::Result<edgewright::Detections> Detect(const edgewright::ImageView& frame);

 private:
  edgewright::NcnnModel network_;
  int width_;
  int height_;
  edgewright::YoloFastestV2Head head_;
};

}  // namespace edgebench
