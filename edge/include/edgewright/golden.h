// Golden cases: what the PyTorch source makes of an image, stored in the pack, to be repeated on the device.
#pragma once

#include <string>
#include <vector>

#include "edgewright/detector.h"
#include "edgewright/pack.h"
#include "edgewright/result.h"

namespace edgewright {

struct GoldenCase {
  Image source_bgr;
  Image network_image;
  std::vector<std::vector<float>> maps;  // of each output, in the manifest's order
  std::vector<Detection> detections;     // network pixels
};

// Of one case.  `problem` is empty when the network image is reproduced exactly and everything else is within the
// manifest's tolerance.
struct GoldenReport {
  double max_error = 0;
  double cosine = 1;
  int num_reference = 0;
  int num_matched = 0;
  std::string problem;
};

[[nodiscard]] Result<GoldenCase> ReadGoldenCase(const Pack& pack, const std::string& path);

[[nodiscard]] Result<GoldenReport> RunGoldenCase(const GoldenCase& golden, const Manifest& manifest,
                                                 Detector* detector);

}  // namespace edgewright
