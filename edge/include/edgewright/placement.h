// Where a source image lies in the network's.
//
//   const Placement placed = Place(manifest.input.preprocess, image.upright_width(), image.upright_height());
#pragma once

#include "edgewright/manifest.h"

namespace edgewright {

// In network pixels.  The rest of a letterboxed image is padding.
struct Placement {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  int network_width = 0;
  int network_height = 0;
  int source_width = 0;
  int source_height = 0;
};

// All of the network's image.
[[nodiscard]] inline Placement Stretched(int network_width, int network_height, int source_width, int source_height) {
  return {0, 0, network_width, network_height, network_width, network_height, source_width, source_height};
}

// The rule of docs/pack.md, "Reading order of an image".
[[nodiscard]] Placement Place(const Preprocess& rule, int source_width, int source_height);

}  // namespace edgewright
