#include "kernel_file.h"

#include <cctype>
#include <cstdio>

namespace edgebench {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 16;
constexpr std::size_t kBlockBytes = 2048;  // small: measured runs share the cache with it

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string ReadKernelFile(const std::filesystem::path& path) {
  std::string text;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  char block[kBlockBytes];
  while (text.size() < kMaxBytes) {
    const std::size_t count = std::fread(block, 1, sizeof(block), file);
    if (count == 0) break;
    text.append(block, count);
  }
  std::fclose(file);  // NOLINT(cert-err33-c): only read from
  return text;
}

std::vector<std::string> SplitWords(const std::string& text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    if (IsSpace(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c;
  }
  return words;
}

}  // namespace edgebench
