// edge_threads: two models at once, each loaded and run in a thread of its own, see what one alone sees.  For
// ThreadSanitizer (make edge-tsan), which ends the program with an error when they share something.
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "edgewright/ncnn_model.h"
#include "edgewright/prediction.h"
#include "edgewright/preprocess.h"

namespace {

using edgewright::Bytes;
using edgewright::Detection;
using edgewright::Detections;
using edgewright::ImageView;
using edgewright::NcnnModel;
using edgewright::PixelFormat;
using edgewright::Prediction;

constexpr int kWidth = 64;
constexpr int kHeight = 32;
constexpr int kFrames = 30;

const std::string kParam =
    "7767517\n"
    "6 7\n"
    "Input image 0 1 image\n"
    "Convolution stem 1 1 image a 0=16 1=3 3=2 4=1 5=1 6=432 9=1\n"
    "Split split 1 2 a a0 a1\n"
    "ConvolutionDepthWise depthwise 1 1 a0 b 0=16 1=3 4=1 5=1 6=144 7=16 9=1\n"
    "Concat concat 2 1 b a1 c\n"
    "Convolution head 1 1 c out 0=13 1=1 5=1 6=416 9=4\n";

// Weights between -0.5 and 0.5 behind a flag for float32, then biases.
void AppendLayer(std::size_t num_weights, std::size_t num_biases, Bytes* bytes) {
  for (std::size_t i = 0; i < 1 + num_weights + num_biases; ++i) {
    const float value = i == 0 ? 0.0F : static_cast<float>(i * 37 % 101) / 101.0F - 0.5F;
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    bytes->insert(bytes->end(), raw, raw + sizeof(value));
  }
}

// What `Model` is made of.
struct Stream {
  edgewright::Preprocessor preprocessor;
  NcnnModel network;
  edgewright::Decoder decoder;
  edgewright::Decode decode;
};

std::optional<Stream> Open() {
  Bytes bin;
  AppendLayer(432, 16, &bin);
  AppendLayer(144, 16, &bin);
  AppendLayer(416, 13, &bin);
  auto network = NcnnModel::Load(Bytes(kParam.begin(), kParam.end()), bin, {"image", {"out"}, 1, false});
  if (!network.ok()) return std::nullopt;
  edgewright::Preprocess rule;
  rule.width = kWidth;
  rule.height = kHeight;
  for (float& scale : rule.scale) scale = 1.0F / 255.0F;
  edgewright::DetectDecode detect;
  detect.score_threshold = 0.2F;
  detect.iou_threshold = 0.4F;
  detect.max_detections = 300;
  detect.head = edgewright::YoloFastestV2Head{{{0, 2, {{9, 7}, {20, 30}}}}};
  return Stream{edgewright::Preprocessor(rule), std::move(network.value()), edgewright::Decoder(), detect};
}

// Frame after frame of noise that depends on `seed`; nullopt when something fails.
std::optional<std::vector<Detections>> Watch(unsigned seed) {
  std::optional<Stream> stream = Open();
  if (!stream) return std::nullopt;
  std::vector<std::uint8_t> pixels(96 * 80 * 3 / 2);
  std::vector<Detections> seen;
  std::vector<edgewright::MapView> maps;
  Prediction prediction;
  for (int frame = 0; frame < kFrames; ++frame) {
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>((seed = seed * 1664525U + 1013904223U) >> 24U);
    const auto view = edgewright::ViewOf(pixels.data(), pixels.size(), PixelFormat::kNv12, 96, 80, 96);
    if (!view.ok()) return std::nullopt;
    const std::vector<float>& planes = stream->preprocessor.Planes(view.value());
    if (!stream->network.Run(planes.data(), kWidth, kHeight, &maps).ok()) return std::nullopt;
    stream->decoder.Run(maps, stream->decode, stream->preprocessor.Place(view.value()), &prediction);
    seen.push_back(std::get<Detections>(prediction));
  }
  return seen;
}

bool AreSame(const Detections& a, const Detections& b) {
  static_assert(sizeof(Detection) == 6 * 4, "without gaps, so that memory can be compared");
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Detection)) == 0;
}

}  // namespace

int main() {
  constexpr unsigned kSeeds[] = {1, 2};
  std::optional<std::vector<Detections>> seen[2];
  {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 2; ++i) threads.emplace_back([&, i] { seen[i] = Watch(kSeeds[i]); });
    for (std::thread& thread : threads) thread.join();
  }
  std::size_t num_detections = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto alone = Watch(kSeeds[i]);
    if (!seen[i] || !alone || seen[i]->size() != alone->size()) {
      std::printf("edge_threads: a model failed\n");
      return 1;
    }
    for (std::size_t frame = 0; frame < alone->size(); ++frame) {
      num_detections += (*alone)[frame].size();
      if (AreSame((*alone)[frame], (*seen[i])[frame])) continue;
      std::printf("edge_threads: frame %zu of model %zu is not what it is alone\n", frame, i);
      return 1;
    }
  }
  std::printf("edge_threads: 2 models, %d frames each, %zu detections, the same as alone\n", kFrames, num_detections);
  return num_detections > 0 ? 0 : 1;
}
