#include "edgewright/ncnn_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using edgewright::Bytes;
using edgewright::NcnnModel;

namespace {

const std::string kParam =
    "7767517\n"
    "2 2\n"
    "Input image 0 1 image\n"
    "Convolution conv 1 1 image out 0=2 1=1 5=1 6=6\n";

Bytes ToBytes(const std::string& text) { return {text.begin(), text.end()}; }

void Append(const float* values, std::size_t count, Bytes* bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(values);
  std::copy_n(data, count * sizeof(float), std::back_inserter(*bytes));
}

// A 1x1 convolution from 3 to 2 channels: the flag of raw float32, 6 weights, 2 biases.
Bytes Bin() {
  const float values[9] = {0, 1, 0, 0, 0, 0, 1, 0.5F, -1};
  Bytes bytes(sizeof(values));
  std::copy_n(reinterpret_cast<const std::uint8_t*>(values), sizeof(values), bytes.begin());
  return bytes;
}

auto Load(const std::string& param, Bytes bin, const std::string& output = "out") {
  return NcnnModel::Load(ToBytes(param), std::move(bin), {"image", {output}, 1, /*half_precision=*/false});
}

// The same convolution in int8: codes 127 0 0, 0 0 64, padded to 8 bytes; 2 biases; the scales of 2 channels and the
// input.
const std::string kInt8Param =
    "7767517\n"
    "2 2\n"
    "Input image 0 1 image\n"
    "Convolution conv 1 1 image out 0=2 1=1 5=1 6=6 8=2\n";

Bytes Int8Bin() {
  Bytes bytes = {0x38, 0x4B, 0x0D, 0x00, 127, 0, 0, 0, 0, 64, 0, 0};
  const float values[5] = {0.5F, -1, 127, 64, 10};
  Append(values, 5, &bytes);
  return bytes;
}

// A 1x1 convolution from 3 to 8 channels, and a depthwise one of stride 2 with a window of 5x5 whose border is zero.
const std::string kStridedParam =
    "7767517\n"
    "3 3\n"
    "Input image 0 1 image\n"
    "Convolution conv 1 1 image mixed 0=8 1=1 5=1 6=24\n"
    "ConvolutionDepthWise strided 1 1 mixed out 0=8 1=5 3=2 4=2 5=1 6=200 7=8\n";

Bytes StridedBin() {
  std::vector<float> values = {0};  // the flag of raw float32
  for (int i = 0; i < 24 + 8; ++i) values.push_back(static_cast<float>(i * 7 % 16) / 16 - 0.5F);
  values.push_back(0);
  for (int i = 0; i < 8 * 25; ++i) {
    const int x = i % 5;
    const int y = i / 5 % 5;
    const bool inside = x >= 1 && x <= 3 && y >= 1 && y <= 3;
    values.push_back(inside ? static_cast<float>(i * 5 % 32) / 32 - 0.5F : 0);
  }
  for (int i = 0; i < 8; ++i) values.push_back(static_cast<float>(i) / 8);
  Bytes bytes;
  Append(values.data(), values.size(), &bytes);
  return bytes;
}

std::vector<float> RunStrided(const std::vector<float>& planes, int width, int height, bool half_precision) {
  auto model = NcnnModel::Load(ToBytes(kStridedParam), StridedBin(), {"image", {"out"}, 1, half_precision});
  REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().message));
  const auto maps = model.value().Run(planes.data(), width, height);
  REQUIRE(maps.ok());
  const edgewright::MapView& map = maps.value()[0];
  std::vector<float> values;
  for (int c = 0; c < map.channels; ++c) {
    values.insert(values.end(), map.channel(c), map.channel(c) + map.width * map.height);
  }
  return values;
}

std::string ErrorOf(const std::string& param, Bytes bin, const std::string& output = "out") {
  const auto model = Load(param, std::move(bin), output);
  return model.ok() ? "" : model.error().message;
}

}  // namespace

TEST_CASE("a network computes what its weights say") {
  auto model = Load(kParam, Bin());
  REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().message));
  const float planes[3 * 2 * 5] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0,
                                   0, 0, 0, 0, 0, 7, 7, 7, 7, 7,  7, 7, 7, 7, 7};
  const auto maps = model.value().Run(planes, 5, 2);
  REQUIRE(maps.ok());
  REQUIRE(maps.value().size() == 1);
  const edgewright::MapView& map = maps.value()[0];
  CHECK(map.channels == 2);
  CHECK(map.height == 2);
  CHECK(map.width == 5);
  for (int i = 0; i < 10; ++i) {
    CHECK(map.channel(0)[i] == planes[i] + 0.5F);
    CHECK(map.channel(1)[i] == 6.0F);
  }
}

// Of 3x3 this is not so in ncnn 1.0.20261020, which is why exports widen the window (edgewright_export/ncnn_widen.py).
TEST_CASE("a depthwise layer of stride 2 is right in half precision at every width") {
  for (int width = 2; width <= 26; ++width) {
    const int height = 7;
    std::vector<float> planes(static_cast<std::size_t>(3 * width * height));
    for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = static_cast<float>(i * 37 % 101) / 101;
    const std::vector<float> single = RunStrided(planes, width, height, false);
    const std::vector<float> half = RunStrided(planes, width, height, true);
    REQUIRE(single.size() == half.size());
    for (std::size_t i = 0; i < single.size(); ++i) {
      CHECK_MESSAGE(std::abs(single[i] - half[i]) < 4e-3F,
                    "width " << width << ", value " << i);  // 2^-8: ten roundings
    }
  }
}

// A layer in float32 behind one in half precision, with what stands between them, and how many layers and blobs.
std::string MaskedParam(const std::string& between, const std::string& reads, const std::string& counts) {
  return "7767517\n" + counts + "\nInput image 0 1 image\nConvolution a 1 1 image mixed 0=3 1=1 5=1 6=9\n" + between +
         "Convolution b 1 1 " + reads + " out 0=2 1=1 5=1 6=6 31=3\n";
}

Bytes MaskedBin() {
  const float values[22] = {0, 1, 0, 0, 0, 2, 0, 0,    0, 3, 1, 1, 1,  // the flag, 9 weights, 3 biases
                            0, 1, 1, 1, 0, 1, 0, 0.5F, -1};            // the flag, 6 weights, 2 biases
  Bytes bytes;
  Append(values, 22, &bytes);
  return bytes;
}

TEST_CASE("a layer that its mask keeps in float32 may not read half precision") {
  const auto load = [](const std::string& param, bool half_precision) {
    return NcnnModel::Load(ToBytes(param), MaskedBin(), {"image", {"out"}, 1, half_precision});
  };
  const std::string bare = MaskedParam("", "mixed", "3 3");
  const auto refused = load(bare, true);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        "layer b is kept in float32 by its mask (31=), and reads half precision; a Permute must stand between");
  CHECK(load(bare, false).ok());

  const std::string bridged = MaskedParam("Permute p 1 1 mixed wide 0=0\n", "wide", "4 4");
  auto model = load(bridged, true);
  REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().message));
  const float planes[3 * 2] = {1, 2, 3, 4, 5, 6};
  const auto maps = model.value().Run(planes, 2, 1);
  REQUIRE(maps.ok());
  const edgewright::MapView& map = maps.value()[0];
  const float mixed[3][2] = {{2, 3}, {7, 9}, {16, 19}};
  for (int i = 0; i < 2; ++i) {
    CHECK(map.channel(0)[i] == mixed[0][i] + mixed[1][i] + mixed[2][i] + 0.5F);
    CHECK(map.channel(1)[i] == mixed[1][i] - 1);
  }
}

TEST_CASE("an int8 layer computes on codes") {
  auto model = Load(kInt8Param, Int8Bin());
  REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().message));
  const float planes[3 * 4] = {0, 1.04F, -1.06F, 50, 0, 0, 0, 0, 7, 7, 0.25F, -99};
  const auto maps = model.value().Run(planes, 4, 1);
  REQUIRE(maps.ok());
  const edgewright::MapView& map = maps.value()[0];
  const float expected[2][4] = {{0.5F, 1.5F, -0.6F, 13.2F}, {6, 6, -0.7F, -13.7F}};  // codes: 10, -11, 127; 70, 3, -127
  for (int c = 0; c < 2; ++c) {
    for (int i = 0; i < 4; ++i) CHECK(map.channel(c)[i] == doctest::Approx(expected[c][i]).epsilon(1e-6));
  }
}

TEST_CASE("codes for a layer that is not in int8 are refused, and floats for one that is are taken") {
  CHECK(ErrorOf(kParam, Int8Bin()) == "ncnn refuses the .bin");
  Bytes floats = Bin();
  const float scales[3] = {127, 64, 10};
  Append(scales, 3, &floats);
  CHECK(ErrorOf(kInt8Param, floats).empty());
}

TEST_CASE("indices of few weights are not taken for a tag") {
  const std::string param =
      "7767517\n"
      "3 3\n"
      "Input image 0 1 image\n"
      "Convolution first 1 1 image x 0=1 1=1 6=3\n"
      "Convolution second 1 1 x out 0=1 1=1 6=1 8=2\n";
  Bytes bin = {1, 0, 0, 0};
  float table[256] = {};
  table[0x38] = 2;
  table[0x4B] = 3;
  table[0x0D] = 4;
  Append(table, 256, &bin);
  bin.insert(bin.end(), {0x38, 0x4B, 0x0D, 0x00});              // as the tag of int8
  bin.insert(bin.end(), {0x38, 0x4B, 0x0D, 0x00, 1, 0, 0, 0});  // which this is
  bin.insert(bin.end(), {0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F});  // scales: 1 and 1
  auto model = Load(param, bin);
  REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().message));
  const float planes[3] = {1, 10, 20};
  const auto maps = model.value().Run(planes, 1, 1);
  REQUIRE(maps.ok());
  CHECK(maps.value()[0].channel(0)[0] == 112);
}

TEST_CASE("a model that cannot be loaded says why") {
  CHECK(ErrorOf(kParam, Bin(), "other") == "the .param has no output blob other");
  CHECK(ErrorOf("7767517\n1 1\nWarpDrive w 0 1 image\n", {}) == "layer WarpDrive is not in this build of ncnn");
  CHECK(ErrorOf("7767517\n1 1\n\x1B[2JWarp w 0 1 image\n", {}) == "layer ?[2JWarp is not in this build of ncnn");
  CHECK(ErrorOf("not a param", {}) == "ncnn refuses the .param");
  Bytes longer = Bin();
  longer.push_back(0);
  CHECK(ErrorOf(kParam, longer) == "the .bin is longer than the .param asks for");
}

TEST_CASE("a .bin cut anywhere is refused") {
  for (const auto& [param, whole] : {std::pair(kParam, Bin()), std::pair(kInt8Param, Int8Bin())}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(ErrorOf(param, cut) == "ncnn refuses the .bin");
    }
  }
}

TEST_CASE("behind weights that are cut short nothing is taken for a tag") {
  const std::string param =
      "7767517\n"
      "4 5\n"
      "Input image 0 1 image\n"
      "Split split 1 2 image a b\n"
      "Convolution first 1 1 a x 0=8 1=1 5=1 6=24\n"
      "Convolution second 1 1 b out 0=8 1=1 5=1 6=24\n";
  Bytes bin = {1, 0, 0, 0};
  bin.resize(4 + 256 * sizeof(float));
  bin.insert(bin.end(), {0x38, 0x4B, 0x0D, 0x00, 0, 0, 0, 0});  // too few indices; read as a tag, they were int8's
  CHECK(ErrorOf(param, bin) == "ncnn refuses the .bin");
}

TEST_CASE("a .param cut anywhere is refused or lacks its output") {
  for (std::size_t size = 0; size < kParam.find(" 0=2"); ++size) CHECK_FALSE(Load(kParam.substr(0, size), Bin()).ok());
}
