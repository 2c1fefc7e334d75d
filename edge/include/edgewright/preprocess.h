// From a source image to the network's input, as the manifest says (docs/pack.md, "Reading order of an image").
#pragma once

#include <vector>

#include "edgewright/image.h"
#include "edgewright/manifest.h"
#include "edgewright/resize.h"

namespace edgewright {

// Not thread-safe: keeps its buffers from frame to frame.
class Preprocessor {
 public:
  explicit Preprocessor(const Preprocess& rule);

  // Resized and in the manifest's colour order; valid until the next call.
  const Image& NetworkImage(const ImageView& source_bgr);

  // x = (pixel - mean) * scale as (3, height, width) planes; valid until the next call.
  const std::vector<float>& Normalise(const ImageView& network_image);

 private:
  Preprocess rule_;
  LinearResizer resizer_;
  Image network_image_;
  std::vector<float> planes_;
};

}  // namespace edgewright
