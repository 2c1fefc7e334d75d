#include "image_paths.h"

#include <algorithm>
#include <array>
#include <system_error>

namespace edgebench {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 5> kExtensions = {".jpg", ".jpeg", ".JPG", ".JPEG", ".png"};

bool IsImage(const fs::path& path) {
  return std::find(kExtensions.begin(), kExtensions.end(), path.extension()) != kExtensions.end();
}

}  // namespace

edgewright::Result<std::vector<fs::path>> ListImages(const std::vector<std::string>& given) {
  std::vector<fs::path> images;
  for (const std::string& name : given) {
    std::error_code error;
    if (!fs::is_directory(name, error)) {
      images.emplace_back(name);
      continue;
    }
    std::vector<fs::path> found;
    for (fs::directory_iterator entry(name, error), end; !error && entry != end; entry.increment(error)) {
      if (IsImage(entry->path())) found.push_back(entry->path());
    }
    if (error) return edgewright::InputError(name + ": " + error.message());
    if (found.empty()) return edgewright::InputError(name + ": a folder without images");
    std::sort(found.begin(), found.end());
    images.insert(images.end(), found.begin(), found.end());
  }
  return images;
}

}  // namespace edgebench
