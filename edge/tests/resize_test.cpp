#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "edgewright/preprocess.h"
#include "edgewright/sha256.h"
#include "kernels.h"

using edgewright::AvailableKernels;
using edgewright::Image;
using edgewright::ImageView;
using edgewright::Kernels;
using edgewright::Preprocess;
using edgewright::Preprocessor;

namespace {

struct Vector {
  int source_width, source_height, width, height;
  std::string digest;  // first 16 hex digits of the SHA-256 of cv2's pixels, opencv-python-headless 5.0.0.93
};

const Vector kVectors[] = {
    {1, 1, 5, 4, "0645be7c91bd1317"},           {2, 2, 3, 3, "2de7fe1ab8cc3536"},
    {3, 2, 7, 5, "5e03b5ab6f21cbce"},           {16, 10, 8, 5, "00df7d8f49267ef2"},
    {17, 11, 8, 5, "1c291ef9e76e6d77"},         {16, 10, 8, 7, "2a64e7adb914232a"},
    {5, 64, 64, 5, "a558a9c75dd2cc96"},         {640, 480, 352, 352, "87d46641b16e9bbd"},
    {173, 229, 352, 352, "7f158ec267c1dc2a"},   {352, 352, 352, 352, "32c7e06ee3d32deb"},
    {1920, 1080, 352, 352, "484f3fe1bdc8a327"}, {704, 704, 352, 352, "c0392a3b9fc0ccea"},
    {1500, 3, 352, 320, "59360106204051a2"},
};

Image Pattern(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(x * 37 + y * 101 + c * 59 + (x * y) % 7 * 31);
      }
    }
  }
  return image;
}

std::string ShortDigest(const Image& image) {
  edgewright::Sha256 digest;
  digest.Update(image.pixels().data(), image.pixels().size());
  return digest.HexDigest().substr(0, 16);
}

}  // namespace

TEST_CASE("resizing gives OpenCV's pixels with every instruction set") {
  for (const Kernels* kernels : AvailableKernels()) {
    CAPTURE(kernels->name);
    for (const Vector& vector : kVectors) {
      CAPTURE(vector.source_width);
      CAPTURE(vector.source_height);
      CAPTURE(vector.width);
      CAPTURE(vector.height);
      Preprocess rule;
      rule.width = vector.width;
      rule.height = vector.height;
      Preprocessor preprocessor(rule, *kernels);
      const Image source = Pattern(vector.source_width, vector.source_height);
      CHECK(ShortDigest(preprocessor.NetworkImage(source.view())) == vector.digest);
    }
  }
}

TEST_CASE("a stride between rows changes nothing") {
  const Image image = Pattern(31, 17);
  std::vector<std::uint8_t> padded(17 * 128, 0xEE);
  for (int y = 0; y < 17; ++y) std::copy_n(image.view().row(y), image.row_bytes(), padded.data() + 128 * y);
  Preprocess rule;
  rule.width = 20;
  rule.height = 40;
  Preprocessor preprocessor(rule);
  const std::vector<std::uint8_t> expected = preprocessor.NetworkImage(image.view()).pixels();
  CHECK(preprocessor.NetworkImage(ImageView{padded.data(), 31, 17, 128}).pixels() == expected);
}
