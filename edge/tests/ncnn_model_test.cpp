#include "edgewright/ncnn_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

using edgewright::Bytes;
using edgewright::NcnnModel;

namespace {

const std::string kParam =
    "7767517\n"
    "2 2\n"
    "Input image 0 1 image\n"
    "Convolution conv 1 1 image out 0=2 1=1 5=1 6=6\n";

Bytes ToBytes(const std::string& text) { return {text.begin(), text.end()}; }

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

TEST_CASE("a model that cannot be loaded says why") {
  CHECK(ErrorOf(kParam, Bin(), "other") == "the .param has no output blob other");
  CHECK(ErrorOf("7767517\n1 1\nWarpDrive w 0 1 image\n", {}) == "layer WarpDrive is not in this build of ncnn");
  CHECK(ErrorOf("not a param", {}) == "ncnn refuses the .param");
  Bytes longer = Bin();
  longer.push_back(0);
  CHECK(ErrorOf(kParam, longer) == "the .bin is longer than the .param asks for");
}

TEST_CASE("a .bin cut anywhere is refused") {
  const Bytes whole = Bin();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(ErrorOf(kParam, cut) == "ncnn refuses the .bin");
  }
}

TEST_CASE("a .param cut anywhere is refused or lacks its output") {
  for (std::size_t size = 0; size < kParam.find(" 0=2"); ++size) CHECK_FALSE(Load(kParam.substr(0, size), Bin()).ok());
}
