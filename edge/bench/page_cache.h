// Taking files out of the page cache, to measure how long the first start after a boot takes.
#pragma once

#include <filesystem>

namespace edgebench {

// Whether no page of the file is in memory afterwards: other programs may hold it, and some file systems keep it.
[[nodiscard]] bool DropFromPageCache(const std::filesystem::path& file);

}  // namespace edgebench
