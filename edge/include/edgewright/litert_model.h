// TFLite networks, run by LiteRT through the C interface of a library (libLiteRt.so) that is opened when one is needed.
// A build without it (CMake: EDGEWRIGHT_LITERT) has the same calls, which say so.
#pragma once

#include <memory>
#include <string>

#include "edgewright/file.h"
#include "edgewright/manifest.h"
#include "edgewright/network.h"
#include "edgewright/result.h"

namespace edgewright {

// `flatbuffer` is the `.tflite` of a pack with this manifest.  `library`: a path, or a name that the dynamic linker
// looks for; empty: libLiteRt.so.  A library that was opened stays open.  It may log its errors to standard error.
[[nodiscard]] Result<std::unique_ptr<Network>> LoadLiteRt(Bytes flatbuffer, const Manifest& manifest, int num_threads,
                                                          const std::string& library);

// The path of the library that `LoadLiteRt` would take, or why there is none.
[[nodiscard]] Result<std::string> FindLiteRt(const std::string& library);

}  // namespace edgewright
