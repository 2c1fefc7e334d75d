// The manifest's `decode`, read as strictly as the rest of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "edgewright/manifest.h"
#include "json_fields.h"

namespace edgewright {

// `manifest` has its input, outputs and labels already; every output that `decode` reads must be among them and have
// the shape that its kind needs.
Decode ReadDecode(const nlohmann::json& value, const std::string& where, const Manifest& manifest, Problem* problem);

}  // namespace edgewright
