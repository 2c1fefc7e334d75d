// edge_driver: single steps of the core on raw bytes, standard input to standard output, for tests/edge to compare with
// Python.
//   resize SOURCE_WIDTH SOURCE_HEIGHT WIDTH HEIGHT    BGR pixels -> BGR pixels
//   frame MANIFEST FORMAT ROTATION WIDTH HEIGHT STRIDE
//                                                     a frame in one buffer -> the pixels of the network image, then
//                                                     its float32 planes; FORMAT and ROTATION as numbers of their enums
//   normalise MANIFEST                                pixels of the network image -> float32 planes
//   decode MANIFEST SOURCE_WIDTH SOURCE_HEIGHT        float32 maps in the order of the outputs -> rows of float32
//                                                     x1 y1 x2 y2 score class; or float32 probabilities; or uint16
//                                                     labels: in pixels of the source image
//   manifests FILE                                    one JSON document a line -> "ok" or what is wrong, a line each
//   image FILE                                        -> "WIDTH HEIGHT\n", then BGR pixels
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "edgewright/file.h"
#include "edgewright/manifest.h"
#include "edgewright/prediction.h"
#include "edgewright/preprocess.h"
#include "image_file.h"

namespace {

using edgewright::Bytes;
using edgewright::Image;
using edgewright::Manifest;

[[noreturn]] void Fail(const std::string& reason) {
  std::fprintf(stderr, "edge_driver: %s\n", reason.c_str());
  std::exit(2);
}

Bytes ReadInput(std::size_t size) {
  Bytes bytes(size);
  if (std::fread(bytes.data(), 1, size, stdin) != size) Fail("standard input is too short");
  return bytes;
}

template <typename T>
void WriteOutput(const std::vector<T>& values) {
  std::fwrite(values.data(), sizeof(T), values.size(), stdout);
}

Image ReadPixels(int width, int height) {
  Image image(width, height);
  const Bytes bytes = ReadInput(image.pixels().size());
  std::memcpy(image.row(0), bytes.data(), bytes.size());
  return image;
}

Manifest ReadManifest(const char* path) {
  const auto bytes = edgewright::ReadFile(path, 4U << 20U);
  if (!bytes.ok()) Fail(bytes.error().message);
  const auto manifest =
      edgewright::ParseManifest({reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()});
  if (!manifest.ok()) Fail(manifest.error().message);
  return manifest.value();
}

void Resize(char** sizes) {
  const Image source = ReadPixels(std::atoi(sizes[0]), std::atoi(sizes[1]));
  edgewright::Preprocess rule;
  rule.width = std::atoi(sizes[2]);
  rule.height = std::atoi(sizes[3]);
  WriteOutput(edgewright::Preprocessor(rule).NetworkImage(source.view()).pixels());
}

void ReadFrame(const Manifest& manifest, char** words) {
  const int width = std::atoi(words[2]);
  const int height = std::atoi(words[3]);
  std::vector<std::uint8_t> bytes;
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) bytes.push_back(static_cast<std::uint8_t>(byte));
  auto view = edgewright::ViewOf(bytes.data(), bytes.size(), static_cast<edgewright::PixelFormat>(std::atoi(words[0])),
                                 width, height, static_cast<std::size_t>(std::atoll(words[4])));
  if (!view.ok()) Fail(view.error().message);
  view.value().rotation = static_cast<edgewright::Rotation>(std::atoi(words[1]));
  edgewright::Preprocessor preprocessor(manifest.input.preprocess);
  WriteOutput(preprocessor.NetworkImage(view.value()).pixels());
  WriteOutput(preprocessor.Planes(view.value()));
}

void Normalise(const Manifest& manifest) {
  const edgewright::Preprocess& rule = manifest.input.preprocess;
  edgewright::Preprocessor preprocessor(rule);
  WriteOutput(preprocessor.Normalise(ReadPixels(rule.width, rule.height).view()));
}

void WritePrediction(const edgewright::Prediction& prediction) {
  if (const auto* detections = std::get_if<edgewright::Detections>(&prediction)) {
    std::vector<float> rows;
    for (const edgewright::Detection& d : *detections) {
      rows.insert(rows.end(), {d.box.x1, d.box.y1, d.box.x2, d.box.y2, d.score, static_cast<float>(d.class_index)});
    }
    WriteOutput(rows);
  } else if (const auto* classes = std::get_if<edgewright::Classification>(&prediction)) {
    WriteOutput(classes->probabilities);
  } else {
    WriteOutput(std::get<edgewright::LabelMap>(prediction).labels);
  }
}

// Read from standard input.
class Maps {
 public:
  explicit Maps(const Manifest& manifest) {
    for (const edgewright::ModelOutput& output : manifest.outputs) {
      const std::size_t plane_size = static_cast<std::size_t>(output.height) * static_cast<std::size_t>(output.width);
      memory_.push_back(ReadInput(4 * plane_size * static_cast<std::size_t>(output.channels)));
      const auto* data = reinterpret_cast<const float*>(memory_.back().data());
      views_.push_back({data, output.channels, output.height, output.width, plane_size});
    }
  }

  [[nodiscard]] const std::vector<edgewright::MapView>& views() const { return views_; }

 private:
  std::vector<Bytes> memory_;
  std::vector<edgewright::MapView> views_;
};

void Decode(const Manifest& manifest, int source_width, int source_height) {
  const Maps maps(manifest);
  edgewright::Prediction prediction;
  edgewright::Decoder().Run(maps.views(), manifest.decode,
                            edgewright::Place(manifest.input.preprocess, source_width, source_height), &prediction);
  WritePrediction(prediction);
}

void CheckManifests(const char* path) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const auto manifest = edgewright::ParseManifest(line);
    std::printf("%s\n", manifest.ok() ? "ok" : manifest.error().message.c_str());
  }
}

void ReadImageFile(const char* path) {
  const auto image = edgebench::ReadImage(path);
  if (!image.ok()) Fail(image.error().message);
  std::printf("%d %d\n", image.value().width(), image.value().height());
  WriteOutput(image.value().pixels());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string step = argc > 2 ? argv[1] : "";
  if (step == "resize" && argc == 6) {
    Resize(argv + 2);
  } else if (step == "frame" && argc == 8) {
    ReadFrame(ReadManifest(argv[2]), argv + 3);
  } else if (step == "normalise") {
    Normalise(ReadManifest(argv[2]));
  } else if (step == "decode" && argc == 5) {
    Decode(ReadManifest(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]));
  } else if (step == "manifests") {
    CheckManifests(argv[2]);
  } else if (step == "image") {
    ReadImageFile(argv[2]);
  } else {
    Fail("unknown step");
  }
  return 0;
}
