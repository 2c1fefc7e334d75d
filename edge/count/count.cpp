// edgecount PACK RUNS: so many inferences of a pack's network on its first golden image, on one thread, and nothing
// else.
#include <cstdio>
#include <cstdlib>

#include "edgewright/golden.h"
#include "edgewright/model.h"

namespace {

using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;

int Fail(const edgewright::Error& error) {
  std::fprintf(stderr, "edgecount: error: %s\n", error.message.c_str());
  return error.kind == edgewright::ErrorKind::kCheck ? 1 : 2;
}

int Count(const char* folder, int runs) {
  const Result<Pack> pack = Pack::Open(folder);
  if (!pack.ok()) return Fail(pack.error());
  const auto golden = edgewright::ReadGoldenCase(pack.value(), pack.value().manifest().golden.cases.front());
  if (!golden.ok()) return Fail(golden.error());
  Result<Model> model = Model::Load(pack.value(), /*num_threads=*/1);
  if (!model.ok()) return Fail(model.error());
  const auto image = model.value().NetworkImage(golden.value().source_bgr.view());
  if (!image.ok()) return Fail(image.error());
  const std::vector<float>& planes = model.value().Normalise(image.value()->view());
  for (int i = 0; i < runs; ++i) {
    const auto maps = model.value().Infer(planes);
    if (!maps.ok()) return Fail(maps.error());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc == 3 ? std::atoi(argv[2]) : 0;
  if (runs < 1) {
    std::fprintf(stderr, "usage: edgecount PACK RUNS\n");
    return 2;
  }
  return Count(argv[1], runs);
}
