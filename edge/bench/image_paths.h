// Which images a command works on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "edgewright/result.h"

namespace edgebench {

// Files as they were given, folders as the JPEG and PNG files in them, by name.
[[nodiscard]] edgewright::Result<std::vector<std::filesystem::path>> ListImages(const std::vector<std::string>& given);

}  // namespace edgebench
