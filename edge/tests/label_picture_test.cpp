#include "label_picture.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "image_file.h"
#include "png.h"

namespace fs = std::filesystem;
using edgewright::Bytes;
using edgewright::Image;
using edgewright::LabelMap;

namespace {

Image ReadBack(const Bytes& png) {
  const fs::path path = fs::temp_directory_path() / ("edgewright-png-" + std::to_string(std::random_device{}()));
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  auto image = edgebench::ReadImage(path);
  fs::remove(path);
  REQUIRE_MESSAGE(image.ok(), (image.ok() ? "" : image.error().message));
  return image.value();
}

}  // namespace

TEST_CASE("a label map comes back from its picture, whatever its size") {
  std::mt19937 random(1);
  for (const int width : {1, 7, 640}) {
    LabelMap map{width, 9, {}};
    for (int i = 0; i < 9 * width; ++i) map.labels.push_back(static_cast<std::uint16_t>(random() % 256));
    const auto png = edgebench::LabelPicture(map, 256);
    REQUIRE(png.ok());
    const Image image = ReadBack(png.value());
    REQUIRE(image.width() == width);
    REQUIRE(image.height() == 9);
    for (std::size_t i = 0; i < map.labels.size(); ++i) REQUIRE(image.pixels()[3 * i] == map.labels[i]);
  }
}

TEST_CASE("more than 256 classes take 16 bits a pixel") {
  const auto png = edgebench::LabelPicture({2, 1, {0x0102, 0xFFFF}}, 257);
  REQUIRE(png.ok());
  CHECK(png.value()[24] == 16);                                            // bit depth, of the header
  CHECK(ReadBack(png.value()).pixels() == Bytes{1, 1, 1, 255, 255, 255});  // the reader keeps the high byte
}

TEST_CASE("an overlay mixes the image with the colour of the class") {
  Image source(2, 1);
  for (int i = 0; i < 6; ++i) source.row(0)[i] = static_cast<std::uint8_t>(10 * i);
  const auto png = edgebench::OverlayPicture({2, 1, {0, 15}}, source);  // black, and (192, 128, 128)
  REQUIRE(png.ok());
  CHECK(ReadBack(png.value()).pixels() == Bytes{0, 5, 10, 79, 84, 121});
}
