// A pack and an image, ready to be run again and again, stage by stage.
#pragma once

#include <optional>
#include <string>

#include "edgewright/model.h"
#include "edgewright/pack.h"
#include "replicate.h"

namespace edgebench {

// The image of a file, or the pack's first golden image when `path` is empty.
[[nodiscard]] edgewright::Result<edgewright::Image> ImageToMeasure(const edgewright::Pack& pack,
                                                                   const std::string& path);

// One frame: the time of each stage.
[[nodiscard]] edgewright::Result<RunTimes> RunFrame(const edgewright::ImageView& image, edgewright::Model* model);

}  // namespace edgebench
