// Any bytes as manifest.json.  What is accepted can be decoded: with maps of the shapes that it declares.
#include <cmath>
#include <string_view>
#include <vector>

#include "edgewright/manifest.h"
#include "edgewright/placement.h"
#include "edgewright/prediction.h"
#include "input.h"

namespace {

using edgewright::Manifest;
using edgewright::MapView;

constexpr std::size_t kMaxFloats = std::size_t{1} << 16;

std::size_t PlaneSize(const edgewright::ModelOutput& output) {
  return static_cast<std::size_t>(output.height) * static_cast<std::size_t>(output.width);
}

void Decode(const Manifest& manifest) {
  std::size_t num_floats = 0;
  for (const auto& output : manifest.outputs) {
    num_floats += static_cast<std::size_t>(output.channels) * PlaneSize(output);
  }
  if (num_floats > kMaxFloats) return;
  for (const float value : {0.9F, NAN, 1e38F}) {
    std::vector<std::vector<float>> maps;
    std::vector<MapView> views;
    for (const auto& output : manifest.outputs) {
      maps.emplace_back(static_cast<std::size_t>(output.channels) * PlaneSize(output), value);
      views.push_back({maps.back().data(), output.channels, output.height, output.width, PlaneSize(output)});
    }
    edgewright::Prediction prediction;
    edgewright::Decoder().Run(views, manifest.decode, edgewright::Place(manifest.input.preprocess, 96, 60),
                              &prediction);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = edgewright::ParseManifest({reinterpret_cast<const char*>(data), size});
  if (!manifest.ok()) {
    fuzz::RequireOneLine(manifest.error().message);
  } else {
    Decode(manifest.value());
  }
  return 0;
}
