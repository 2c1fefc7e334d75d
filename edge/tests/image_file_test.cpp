#include "image_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "edgewright/file.h"

namespace fs = std::filesystem;
using edgewright::Bytes;

namespace {

// The image `bytes` would be in a file; the error otherwise.
auto ReadBytes(const Bytes& bytes) {
  const fs::path path = fs::temp_directory_path() / ("edgewright-image-" + std::to_string(std::random_device{}()));
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  auto image = edgebench::ReadImage(path);
  fs::remove(path);
  return image;
}

Bytes ToBytes(const std::string& text) { return {text.begin(), text.end()}; }

// 2x1 pixels, red then blue: `cv2.imencode(".png", ...)`.
const Bytes kPng = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
                    0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00,
                    0x00, 0x7b, 0x40, 0xe8, 0xdd, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x08,
                    0xd7, 0x63, 0xf8, 0xcf, 0x00, 0x04, 0xff, 0x01, 0x07, 0x00, 0x01, 0xff, 0x19, 0x26,
                    0xf1, 0x23, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

}  // namespace

TEST_CASE("pixels come in the order blue, green, red") {
  const auto png = ReadBytes(kPng);
  REQUIRE(png.ok());
  CHECK(png.value().width() == 2);
  CHECK(png.value().height() == 1);
  CHECK(png.value().pixels() == Bytes{0, 0, 255, 255, 0, 0});
}

TEST_CASE("a PNG cut before its pixels end is an error") {
  const std::size_t end_of_pixels = kPng.size() - 12 - 4 - 4;  // IEND, and the checksums that stb_image does not read
  for (std::size_t size = 0; size < end_of_pixels; ++size) {
    CHECK_FALSE(ReadBytes(Bytes(kPng.begin(), kPng.begin() + static_cast<std::ptrdiff_t>(size))).ok());
  }
}

TEST_CASE("files that are no images are errors") {
  CHECK_FALSE(edgebench::ReadImage("/does/not/exist.jpg").ok());
  CHECK_FALSE(edgebench::ReadImage(fs::temp_directory_path()).ok());
  for (const char* text : {"", "x", "P6 1 1 255\n123", "GIF89a", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xd9", "\xff\xd8"}) {
    CAPTURE(text);
    CHECK_FALSE(ReadBytes(ToBytes(text)).ok());
  }
}

TEST_CASE("random bytes behind a valid signature are errors") {
  std::mt19937 random(1);
  for (const std::string signature : {"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n"}) {
    for (int i = 0; i < 50; ++i) {
      Bytes bytes = ToBytes(signature);
      for (int k = 0; k < 300; ++k) bytes.push_back(static_cast<std::uint8_t>(random()));
      bytes.insert(bytes.end(), {0xFF, 0xD9});
      CHECK_FALSE(ReadBytes(bytes).ok());
    }
  }
}
