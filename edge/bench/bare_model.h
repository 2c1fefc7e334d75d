// A network for ncnn that is not a pack.
#pragma once

#include <string>

#include "edgewright/ncnn_model.h"
#include "edgewright/result.h"

namespace edgebench {

// A `.param` with its `.bin` beside it, run in fp32.
[[nodiscard]] edgewright::Result<edgewright::NcnnModel> LoadBareModel(const std::string& param,
                                                                      edgewright::NcnnOptions options);

}  // namespace edgebench
