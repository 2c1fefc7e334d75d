// In place of read_jpeg.cpp where there is no libjpeg for the target.
#include <algorithm>
#include <memory>

#include "read_jpeg.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_MAX_DIMENSIONS 16384
#include <stb/stb_image.h>

namespace edgebench {
namespace {

struct FreeStb {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

}  // namespace

std::optional<edgewright::Image> ReadJpeg(const edgewright::Bytes& bytes, int max_side) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const auto size = static_cast<int>(bytes.size());
  if (stbi_info_from_memory(bytes.data(), size, &width, &height, &channels) == 0) return std::nullopt;
  if (width > max_side || height > max_side) return std::nullopt;
  const std::unique_ptr<stbi_uc, FreeStb> rgb(
      stbi_load_from_memory(bytes.data(), size, &width, &height, &channels, STBI_rgb));
  if (!rgb) return std::nullopt;
  edgewright::Image image(width, height);
  const stbi_uc* source = rgb.get();
  for (int y = 0; y < height; ++y) {
    std::uint8_t* out = image.row(y);
    for (int x = 0; x < width; ++x, source += 3, out += 3) std::reverse_copy(source, source + 3, out);
  }
  return image;
}

const char* JpegDecoder() { return "stb_image"; }

}  // namespace edgebench
