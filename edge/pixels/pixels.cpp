// edgepixels SOURCE_WIDTH SOURCE_HEIGHT WIDTH HEIGHT [KERNELS]: pre-processing of a BGR frame, in turns.
// The first line tells the kernels and the SHA-256 of the planes; then a line "RUNS" on standard input is answered by a
// line with a JSON list: the milliseconds of each run.  The frame is made up: (37 x + 101 y + 59 c + 31 (x y mod 7))
// mod 256; the rule is (pixel - 0) / 255.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "edgewright/preprocess.h"
#include "edgewright/sha256.h"
#include "kernels.h"

namespace {

using edgewright::ImageView;
using edgewright::Kernels;
using edgewright::Preprocessor;

constexpr int kMaxRuns = 100000;

std::vector<std::uint8_t> Pattern(int width, int height) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c)
        pixels.push_back(static_cast<std::uint8_t>(37 * x + 101 * y + 59 * c + x * y % 7 * 31));
    }
  }
  return pixels;
}

const Kernels* FindKernels(const std::string& name) {
  for (const Kernels* kernels : edgewright::AvailableKernels()) {
    if (name == kernels->name) return kernels;
  }
  return name.empty() ? edgewright::AvailableKernels().back() : nullptr;
}

double RunMs(const ImageView& frame, Preprocessor* preprocessor) {
  const auto start = std::chrono::steady_clock::now();
  preprocessor->Planes(frame);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int Fail(const std::string& reason) {
  std::fprintf(stderr, "edgepixels: error: %s\n", reason.c_str());
  return 2;
}

int Main(int argc, char** argv) {
  if (argc < 5) return Fail("usage: edgepixels SOURCE_WIDTH SOURCE_HEIGHT WIDTH HEIGHT [KERNELS]");
  int sides[4];
  for (int i = 0; i < 4; ++i) {
    sides[i] = std::atoi(argv[i + 1]);
    if (sides[i] < 1 || sides[i] > 8192) return Fail(std::string(argv[i + 1]) + ": a side has 1 to 8192 pixels");
  }
  const std::string name = argc > 5 ? argv[5] : "";
  const Kernels* kernels = FindKernels(name);
  if (kernels == nullptr) return Fail(name + ": this CPU has no such kernels");

  const std::vector<std::uint8_t> pixels = Pattern(sides[0], sides[1]);
  const ImageView frame{pixels.data(), sides[0], sides[1], 3 * static_cast<std::size_t>(sides[0])};
  edgewright::Preprocess rule;
  rule.width = sides[2];
  rule.height = sides[3];
  for (float& scale : rule.scale) scale = 1.0F / 255.0F;
  Preprocessor preprocessor(rule, *kernels);
  const std::vector<float>& planes = preprocessor.Planes(frame);
  edgewright::Sha256 digest;
  digest.Update(planes.data(), planes.size() * sizeof(float));
  std::printf("{\"kernels\": \"%s\", \"sha256\": \"%s\"}\n", kernels->name, digest.HexDigest().c_str());
  std::fflush(stdout);

  for (std::string line; std::getline(std::cin, line);) {
    const int runs = std::atoi(line.c_str());
    if (runs < 1 || runs > kMaxRuns) return Fail("\"" + line + "\": give a number of runs");
    for (int i = 0; i < runs; ++i) std::printf("%s%.6f", i == 0 ? "[" : ", ", RunMs(frame, &preprocessor));
    std::printf("]\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }
