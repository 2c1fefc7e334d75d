// Whole files, bounded, and never anything but regular ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "edgewright/result.h"

namespace edgewright {

using Bytes = std::vector<std::uint8_t>;

// Fails for a file that is missing, unreadable, not a regular file, or larger than `max_bytes`.
[[nodiscard]] Result<Bytes> ReadFile(const std::filesystem::path& path, std::uint64_t max_bytes);

// SHA-256 in hex, read in blocks.
[[nodiscard]] Result<std::string> DigestFile(const std::filesystem::path& path);

}  // namespace edgewright
