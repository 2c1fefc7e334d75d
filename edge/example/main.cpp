// What a detector sees in a picture:  see PACK PICTURE.ppm
// (a PPM file, as `convert photo.jpg photo.ppm` writes it: a header, then RGB bytes)
#include <edgewright/model.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

namespace {

int Fail(const std::string& message) {
  std::fprintf(stderr, "see: error: %s\n", message.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return Fail("usage: see PACK PICTURE.ppm");

  std::ifstream file(argv[2], std::ios::binary);
  std::string magic;
  int width = 0;
  int height = 0;
  int most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  if (!file || magic != "P6" || most != 255 || width < 1 || height < 1 || width > 8192 || height > 8192) {
    return Fail(std::string(argv[2]) + ": not a PPM picture (P6, 255) of at most 8192x8192 pixels");
  }
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  file.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
  if (!file) return Fail(std::string(argv[2]) + ": ends early");

  const auto pack = edgewright::Pack::Open(argv[1]);
  if (!pack.ok()) return Fail(pack.error().message);
  auto model = edgewright::Model::Load(pack.value(), /*num_threads=*/1);
  if (!model.ok()) return Fail(model.error().message);
  const auto view = edgewright::ViewOf(pixels.data(), pixels.size(), edgewright::PixelFormat::kRgb, width, height,
                                       static_cast<std::size_t>(width) * 3);
  if (!view.ok()) return Fail(view.error().message);
  const auto found = model.value().Predict(view.value());
  if (!found.ok()) return Fail(found.error().message);

  const auto* detections = std::get_if<edgewright::Detections>(&found.value());
  if (detections == nullptr) return Fail(std::string(argv[1]) + ": this pack does not detect");
  for (const edgewright::Detection& each : *detections) {
    const std::string& label = pack.value().manifest().labels[static_cast<std::size_t>(each.class_index)];
    std::printf("%s %.3f at %.0f,%.0f to %.0f,%.0f\n", label.c_str(), each.score, each.box.x1, each.box.y1, each.box.x2,
                each.box.y2);
  }
  return 0;
}
