// edgecount PACK RUNS STAGE: so many runs of one stage of a pack on its first golden image, on one thread, and of the
// others what the stage needs.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "edgewright/golden.h"
#include "edgewright/model.h"

namespace {

using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;
using edgewright::Status;

int Fail(const edgewright::Error& error) {
  std::fprintf(stderr, "edgecount: error: %s\n", error.message.c_str());
  return error.kind == edgewright::ErrorKind::kCheck ? 1 : 2;
}

// `stage`: "preprocess" makes the network's input of the image, "network" runs on it, "decode" makes the result.
Status Run(Model* model, const edgewright::ImageView& image, const std::string& stage, int runs) {
  const auto planes = model->Planes(image);
  if (!planes.ok()) return planes.error();
  std::vector<edgewright::MapView> maps;
  if (const Status ran = model->Infer(*planes.value(), &maps); !ran.ok()) return ran;
  edgewright::Prediction prediction;
  for (int i = 0; i < runs; ++i) {
    if (stage == "preprocess") {
      if (const auto again = model->Planes(image); !again.ok()) return again.error();
    } else if (stage == "network") {
      if (const Status ran = model->Infer(*planes.value(), &maps); !ran.ok()) return ran;
    } else {
      model->Decode(maps, image, &prediction);
    }
  }
  return edgewright::Done{};
}

int Count(const char* folder, const std::string& stage, int runs) {
  const Result<Pack> pack = Pack::Open(folder);
  if (!pack.ok()) return Fail(pack.error());
  const auto golden = edgewright::ReadGoldenCase(pack.value(), pack.value().manifest().golden.cases.front());
  if (!golden.ok()) return Fail(golden.error());
  Result<Model> model = Model::Load(pack.value(), /*num_threads=*/1);
  if (!model.ok()) return Fail(model.error());
  const Status ran = Run(&model.value(), golden.value().source_bgr.view(), stage, runs);
  return ran.ok() ? 0 : Fail(ran.error());
}

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc == 4 ? std::atoi(argv[2]) : 0;
  const std::string stage = argc == 4 ? argv[3] : "";
  if (runs < 1 || (stage != "preprocess" && stage != "network" && stage != "decode")) {
    std::fprintf(stderr, "usage: edgecount PACK RUNS preprocess|network|decode\n");
    return 2;
  }
  return Count(argv[1], stage, runs);
}
