// Files in which the kernel tells something: /proc and /sys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace edgebench {

// Empty when it cannot be read.  Of long ones, the first 64 KiB.
[[nodiscard]] std::string ReadKernelFile(const std::filesystem::path& path);

[[nodiscard]] std::vector<std::string> SplitWords(const std::string& text);

}  // namespace edgebench
