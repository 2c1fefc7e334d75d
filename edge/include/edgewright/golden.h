// Golden cases: what the PyTorch source makes of an image, stored in the pack, to be repeated on the device.
#pragma once

#include <string>
#include <vector>

#include "edgewright/model.h"
#include "edgewright/pack.h"
#include "edgewright/parity.h"
#include "edgewright/prediction.h"
#include "edgewright/result.h"

namespace edgewright {

struct GoldenCase {
  Image source_bgr;
  Image network_image;
  std::vector<std::vector<float>> maps;  // of each output, in the manifest's order
  Prediction prediction;                 // of those maps: boxes in network pixels, a label map of the output's size
};

[[nodiscard]] Result<GoldenCase> ReadGoldenCase(const Pack& pack, const std::string& path);

// Every step by itself: the network image must be reproduced exactly; the network, run on the golden one, must stay
// within the manifest's tolerance; and decoding the golden maps must give the golden prediction.
[[nodiscard]] Result<Comparison> RunGoldenCase(const GoldenCase& golden, const Manifest& manifest, Model* model);

}  // namespace edgewright
