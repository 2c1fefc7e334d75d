// From a pack to its network, in the runtime of its target.
#pragma once

#include <memory>
#include <string>

#include "edgewright/ncnn_model.h"
#include "edgewright/network.h"
#include "edgewright/pack.h"
#include "edgewright/result.h"

namespace edgewright {

// `litert_library`: as for `LoadLiteRt`; only tflite packs need it.
[[nodiscard]] Result<std::unique_ptr<Network>> LoadNetwork(const Pack& pack, int num_threads,
                                                           const std::string& litert_library = {});

// Of an ncnn pack, at the manifest's precision.
[[nodiscard]] Result<NcnnModel> LoadNcnnModel(const Pack& pack, int num_threads);

}  // namespace edgewright
