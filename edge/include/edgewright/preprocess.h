// From a source image to the network's input, as the manifest says (docs/pack.md, "Reading order of an image").
//
//   Preprocessor preprocessor(pack.manifest().input.preprocess);
//   const std::vector<float>& planes = preprocessor.Planes(frame);  // each frame
#pragma once

#include <memory>
#include <vector>

#include "edgewright/image.h"
#include "edgewright/manifest.h"
#include "edgewright/placement.h"

namespace edgewright {

struct Kernels;

// Images must have passed `CheckView`.  Keeps its memory: after the first of several frames of one size and format, the
// others allocate nothing.  Not thread-safe; each thread has its own.
class Preprocessor {
 public:
  explicit Preprocessor(const Preprocess& rule);
  Preprocessor(const Preprocess& rule, const Kernels& kernels);
  Preprocessor(Preprocessor&&) noexcept;
  Preprocessor& operator=(Preprocessor&&) noexcept;
  ~Preprocessor();

  // The network's input: (pixel - mean) * scale as (3, height, width); valid until the next call.
  const std::vector<float>& Planes(const ImageView& source);
  // Into memory of the caller's: planes `plane_stride` floats apart, at least height * width.
  void Planes(const ImageView& source, float* planes, std::size_t plane_stride);

  // The same in two steps.  The network image is in the manifest's colour order.
  const Image& NetworkImage(const ImageView& source);
  const std::vector<float>& Normalise(const ImageView& network_image);

  [[nodiscard]] Placement Place(const ImageView& source) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgewright
