// Which runtime runs a pack, and where the library of one that is not linked in comes from.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "edgewright/pack.h"

namespace edgebench {

// EDGEWRIGHT_LITERT_LIBRARY; empty: none, the dynamic linker has to find libLiteRt.so.
[[nodiscard]] std::string LibraryFromEnvironment();

[[nodiscard]] std::string NcnnText();  // "ncnn 1.0.20261020"
// The library does not tell its version: "litert 0123456789ab", the start of its SHA-256.
[[nodiscard]] std::string RuntimeText(const edgewright::Pack& pack, const std::string& runtime_library);

// Path and digest of the library, or why there is none.
struct LiteRtInfo {
  std::string path;  // empty: none
  std::string sha256;
  std::string problem;
};
[[nodiscard]] LiteRtInfo FindLiteRtLibrary(const std::string& runtime_library);

}  // namespace edgebench
