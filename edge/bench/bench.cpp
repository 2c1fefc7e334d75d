#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "edgewright/device.h"
#include "edgewright/golden.h"
#include "edgewright/model.h"
#include "report.h"
#include "timing.h"

namespace edgebench {
namespace {

using edgewright::GoldenCase;
using edgewright::Image;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;
using nlohmann::ordered_json;

struct Samples {  // milliseconds, in the order they were taken
  std::vector<double> inference;
  std::vector<double> image_to_result;
};

// `inference`: the network alone, from normalised planes to maps.  `image_to_result`: a decoded image to its result.
Result<Samples> Measure(const Image& image, Model* model, const BenchOptions& options) {
  const Result<const Image*> network_image = model->NetworkImage(image.view());
  if (!network_image.ok()) return network_image.error();
  const std::vector<float>& planes = model->Normalise(network_image.value()->view());
  Result<std::vector<double>> inference =
      MeasureRuns(options.warmup, options.runs, [&] { return model->Infer(planes); });
  if (!inference.ok()) return inference.error();
  Result<std::vector<double>> image_to_result =
      MeasureRuns(options.warmup, options.runs, [&] { return model->Predict(image.view()); });
  if (!image_to_result.ok()) return image_to_result.error();
  return Samples{std::move(inference.value()), std::move(image_to_result.value())};
}

std::vector<int> DefaultThreads() {
  const int most = std::min(4, edgewright::ProbeDevice().num_cores);
  return most == 1 ? std::vector<int>{1} : std::vector<int>{1, most};
}

ordered_json ThreadsJson(int num_threads, const Samples& samples) {
  return {{"threads", num_threads},
          {"inference_ms", LatencyJson(samples.inference)},
          {"image_to_result_ms", LatencyJson(samples.image_to_result)}};
}

void Print(int num_threads, const Samples& samples) {
  std::printf("%d thread%s\n", num_threads, num_threads == 1 ? "" : "s");
  std::printf("  inference        %s\n", LatencyText(samples.inference).c_str());
  std::printf("  image to result  %s\n", LatencyText(samples.image_to_result).c_str());
}

}  // namespace

int Bench(const BenchOptions& options) {
  const std::vector<int> thread_counts = options.num_threads.empty() ? DefaultThreads() : options.num_threads;
  for (const int num_threads : thread_counts) {
    if (const auto threads = CheckThreads(num_threads); !threads.ok()) return Fail(threads.error());
  }
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  const Result<GoldenCase> golden =
      edgewright::ReadGoldenCase(pack.value(), pack.value().manifest().golden.cases.front());
  if (!golden.ok()) return Fail(golden.error());
  const Image& image = golden.value().source_bgr;

  ordered_json results = ordered_json::array();
  for (const int num_threads : thread_counts) {
    Result<Model> model = Model::Load(pack.value(), num_threads);
    if (!model.ok()) return Fail(model.error());
    const Result<Samples> samples = Measure(image, &model.value(), options);
    if (!samples.ok()) return Fail(samples.error());
    results.push_back(ThreadsJson(num_threads, samples.value()));
    Print(num_threads, samples.value());
  }
  if (options.json_path.empty()) return 0;
  const ordered_json document = {{"pack", PackJson(pack.value())},
                                 {"runtime", RuntimeText()},
                                 {"device", DeviceJson()},
                                 {"image", {{"width", image.width()}, {"height", image.height()}}},
                                 {"warmup", options.warmup},
                                 {"runs", options.runs},
                                 {"results", results}};
  const edgewright::Status written = WriteJson(document, options.json_path);
  return written.ok() ? 0 : Fail(written.error());
}

}  // namespace edgebench
