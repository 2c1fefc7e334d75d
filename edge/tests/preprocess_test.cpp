#include "edgewright/preprocess.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "kernels.h"
#include "pixel_format.h"

using edgewright::AvailableKernels;
using edgewright::ColourOrder;
using edgewright::Image;
using edgewright::ImageView;
using edgewright::Kernels;
using edgewright::PixelFormat;
using edgewright::Placement;
using edgewright::Preprocess;
using edgewright::Preprocessor;
using edgewright::ResizeRule;
using edgewright::Rotation;

namespace {

constexpr PixelFormat kFormats[] = {PixelFormat::kBgr,  PixelFormat::kRgb,  PixelFormat::kBgra, PixelFormat::kRgba,
                                    PixelFormat::kGray, PixelFormat::kNv12, PixelFormat::kNv21, PixelFormat::kYuyv};
constexpr Rotation kRotations[] = {Rotation::kNone, Rotation::k90, Rotation::k180, Rotation::k270};

// Exactly as many bytes as the image has, so that AddressSanitizer sees whoever reads one more.
struct Frame {
  std::unique_ptr<std::uint8_t[]> bytes;
  ImageView view;
};

Frame Noise(PixelFormat format, int width, int height, std::mt19937* random) {
  const std::size_t row_bytes = edgewright::RowBytes(format, width);
  const std::size_t stride = row_bytes + (*random)() % 9;
  const auto rows = static_cast<std::size_t>(edgewright::HasChromaPlane(format) ? height + height / 2 : height);
  const std::size_t size = stride * (rows - 1) + row_bytes;
  Frame frame{std::make_unique<std::uint8_t[]>(size), {}};
  std::generate_n(frame.bytes.get(), size, [&] { return static_cast<std::uint8_t>((*random)()); });
  const auto view = edgewright::ViewOf(frame.bytes.get(), size, format, width, height, stride);
  REQUIRE(view.ok());
  frame.view = view.value();
  return frame;
}

Preprocess Rule(int width, int height) {
  Preprocess rule;
  rule.width = width;
  rule.height = height;
  for (std::size_t c = 0; c < 3; ++c) {
    rule.mean[c] = 103.53F + 7.7F * static_cast<float>(c);
    rule.scale[c] = 0.017429F - 0.001F * static_cast<float>(c);
  }
  return rule;
}

// As bits: a NaN or a zero with a sign would count as well.
bool AreSameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Sizes {
  int source_width, source_height, width, height;
};

std::vector<Sizes> ManySizes(std::mt19937* random) {
  std::vector<Sizes> sizes = {{2, 2, 1, 1},     {2, 2, 2, 2},     {4, 2, 2, 1},
                              {32, 64, 16, 32}, {64, 48, 64, 48}, {40, 30, 33, 70}};
  for (int limit : {6, 40, 150}) {
    for (int i = 0; i < 12; ++i) {
      const auto side = [&] { return 1 + static_cast<int>((*random)() % static_cast<unsigned>(limit)); };
      sizes.push_back({2 * side(), 2 * side(), side(), side()});
    }
  }
  return sizes;
}

}  // namespace

TEST_CASE("every instruction set gives the scalar code's bits, in every format, size and rotation") {
  std::mt19937 random(1);
  for (const Sizes& sizes : ManySizes(&random)) {
    for (const PixelFormat format : kFormats) {
      Frame frame = Noise(format, sizes.source_width, sizes.source_height, &random);
      frame.view.rotation = kRotations[random() % 4];
      Preprocess rule = Rule(sizes.width, sizes.height);
      rule.colour_order = random() % 2 == 0 ? ColourOrder::kBgr : ColourOrder::kRgb;
      rule.resize = random() % 2 == 0 ? ResizeRule::kStretch : ResizeRule::kLetterbox;
      rule.padding = 114;
      Preprocessor reference(rule, edgewright::ScalarKernels());
      const std::vector<float> expected = reference.Planes(frame.view);
      for (const Kernels* kernels : AvailableKernels()) {
        CAPTURE(kernels->name);
        CAPTURE(sizes.source_width);
        CAPTURE(sizes.source_height);
        CAPTURE(sizes.width);
        CAPTURE(sizes.height);
        CAPTURE(static_cast<int>(format));
        CAPTURE(static_cast<int>(frame.view.rotation));
        Preprocessor preprocessor(rule, *kernels);
        CHECK(AreSameBits(preprocessor.Planes(frame.view), expected));
        const Image network_image = preprocessor.NetworkImage(frame.view);
        CHECK(AreSameBits(preprocessor.Normalise(network_image.view()), expected));
      }
    }
  }
}

TEST_CASE("frames of changing size, format and rotation do not disturb each other") {
  std::mt19937 random(2);
  Preprocess rule = Rule(24, 16);
  rule.resize = ResizeRule::kLetterbox;
  Preprocessor kept(rule);
  for (int i = 0; i < 60; ++i) {
    const auto side = [&] { return 2 + 2 * static_cast<int>(random() % 30); };
    Frame frame = Noise(kFormats[random() % 8], side(), side(), &random);
    frame.view.rotation = kRotations[random() % 4];
    CHECK(AreSameBits(kept.Planes(frame.view), Preprocessor(rule).Planes(frame.view)));
  }
}

TEST_CASE("numbers too small for a float's digits are normalised alike by every instruction set") {
  std::mt19937 random(3);
  const Frame frame = Noise(PixelFormat::kBgr, 20, 20, &random);
  Preprocess rule = Rule(20, 20);
  rule.scale[1] = 1e-41F;
  rule.mean[2] = 1e-40F;
  Preprocessor reference(rule, edgewright::ScalarKernels());
  for (const Kernels* kernels : AvailableKernels()) {
    CHECK(AreSameBits(Preprocessor(rule, *kernels).Planes(frame.view), reference.Planes(frame.view)));
  }
}

TEST_CASE("a rotation is that of the stored pixels, clockwise") {
  const std::uint8_t pixels[] = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6};  // 1 2 3 / 4 5 6
  ImageView view{pixels, 3, 2, 9};
  const auto upright = [&](Rotation rotation) {
    view.rotation = rotation;
    Preprocessor preprocessor(Rule(view.upright_width(), view.upright_height()));
    std::string text;
    const Image image = preprocessor.NetworkImage(view);
    for (std::size_t i = 0; i < 6; ++i) text += std::to_string(image.pixels()[3 * i]);
    return text;
  };
  CHECK(upright(Rotation::kNone) == "123456");
  CHECK(upright(Rotation::k90) == "415263");
  CHECK(upright(Rotation::k180) == "654321");
  CHECK(upright(Rotation::k270) == "362514");
}

TEST_CASE("a letterboxed image keeps its shape, centred") {
  Preprocess rule = Rule(320, 320);
  rule.resize = ResizeRule::kLetterbox;
  Placement placed = Place(rule, 640, 480);
  CHECK(placed.left == 0);
  CHECK(placed.top == 40);
  CHECK(placed.width == 320);
  CHECK(placed.height == 240);
  placed = Place(rule, 1080, 1920);
  CHECK(placed.left == 70);
  CHECK(placed.width == 180);
  CHECK(placed.height == 320);
  CHECK(Place(rule, 16384, 1).height == 1);
  CHECK(Place(rule, 1, 16384).width == 1);
  rule.resize = ResizeRule::kStretch;
  CHECK(Place(rule, 640, 480).height == 320);
}

TEST_CASE("a view that cannot be read is an error that says why") {
  const std::uint8_t pixels[64] = {};
  const auto refusal = [&](PixelFormat format, int width, int height, std::size_t stride, std::size_t size = 64) {
    const auto view = edgewright::ViewOf(pixels, size, format, width, height, stride);
    return view.ok() ? std::string() : view.error().message;
  };
  CHECK(refusal(PixelFormat::kBgr, 1, 1, 3).empty());
  CHECK(refusal(PixelFormat::kBgr, 4, 4, 16).empty());
  CHECK(refusal(PixelFormat::kBgr, 4, 4, 16, 60).empty());  // the last row needs no gap behind it
  CHECK(refusal(PixelFormat::kNv12, 4, 4, 8).empty());
  CHECK(refusal(PixelFormat::kYuyv, 2, 3, 4).empty());
  const auto says = [](const std::string& message, const std::string& what) {
    return message.find(what) != std::string::npos;
  };
  CHECK(says(refusal(PixelFormat::kBgr, 0, 0, 0), "0x0"));
  CHECK(says(refusal(PixelFormat::kBgr, -3, 4, 16), "-3x4"));
  CHECK(says(refusal(PixelFormat::kBgr, 20000, 20000, 60000), "20000x20000"));
  CHECK(says(refusal(PixelFormat::kBgr, 4, 4, 11), "stride of 11"));
  CHECK(says(refusal(PixelFormat::kRgba, 4, 4, 12), "stride of 12"));
  CHECK(says(refusal(PixelFormat::kBgr, 4, 4, 16, 59), "59 bytes"));
  CHECK(says(refusal(PixelFormat::kBgr, 4, 4, SIZE_MAX / 2), "does not fit"));
  CHECK(says(refusal(PixelFormat::kNv12, 4, 4, 12, 63), "does not fit"));
  CHECK(says(refusal(PixelFormat::kNv12, 3, 4, 8), "even"));
  CHECK(says(refusal(PixelFormat::kNv21, 4, 3, 8), "even"));
  CHECK(says(refusal(PixelFormat::kYuyv, 3, 2, 8), "even"));
  CHECK(says(refusal(static_cast<PixelFormat>(77), 4, 4, 16), "format"));
  ImageView planes{pixels, 4, 4, 4, PixelFormat::kNv12};
  CHECK(says(CheckView(planes).error().message, "chroma"));
  planes.chroma = pixels;
  planes.chroma_stride_bytes = 3;
  CHECK(says(CheckView(planes).error().message, "chroma stride of 3"));
  CHECK(says(CheckView(ImageView{nullptr, 4, 4, 12}).error().message, "without data"));
  ImageView turned{pixels, 4, 4, 12};
  turned.rotation = static_cast<Rotation>(4);
  CHECK(says(CheckView(turned).error().message, "rotation"));
}
