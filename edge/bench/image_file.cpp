#include "image_file.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "edgewright/file.h"
#include "read_jpeg.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_PNG  // its readers of simpler formats take a file that is cut short for a whole one
#define STBI_MAX_DIMENSIONS 16384
// A chunk without pixels may come first; stb_image copies its no bytes to a null pointer, which sanitizers object to.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("nonnull-attribute"))), apply_to = function)
#endif
#include <stb/stb_image.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

namespace edgebench {
namespace {

using edgewright::Bytes;
using edgewright::Image;
using edgewright::InputError;
using edgewright::kMaxImageSide;
using edgewright::Result;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{64} << 20;

struct FreeStb {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

// nullopt when no decoder takes it.
std::optional<Image> ReadPng(const Bytes& bytes) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const auto size = static_cast<int>(bytes.size());
  const std::unique_ptr<stbi_uc, FreeStb> rgb(
      stbi_load_from_memory(bytes.data(), size, &width, &height, &channels, STBI_rgb));
  if (!rgb) return std::nullopt;
  Image image(width, height);
  const stbi_uc* source = rgb.get();
  for (int y = 0; y < height; ++y) {
    std::uint8_t* out = image.row(y);
    for (int x = 0; x < width; ++x, source += 3, out += 3) std::reverse_copy(source, source + 3, out);
  }
  return image;
}

bool IsJpeg(const Bytes& bytes) { return bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8; }

bool HasEndMarker(const Bytes& bytes) {
  const std::uint8_t marker[] = {0xFF, 0xD9};
  const auto tail = bytes.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(bytes.size(), 4096));
  return std::search(tail, bytes.end(), std::begin(marker), std::end(marker)) != bytes.end();
}

}  // namespace

Result<Image> ReadImage(const std::filesystem::path& path) {
  const Result<Bytes> bytes = edgewright::ReadFile(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.error();
  const bool is_jpeg = IsJpeg(bytes.value());
  if (is_jpeg && !HasEndMarker(bytes.value())) {
    return InputError(path.string() + ": JPEG is cut short (no end-of-image marker)");
  }
  std::optional<Image> image = is_jpeg ? ReadJpeg(bytes.value(), kMaxImageSide) : ReadPng(bytes.value());
  if (!image) {
    return InputError(path.string() + ": not a readable JPEG or PNG image of at most " + std::to_string(kMaxImageSide) +
                      " pixels a side");
  }
  return std::move(*image);
}

}  // namespace edgebench
