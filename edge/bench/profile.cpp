#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "edgewright/load_network.h"
#include "edgewright/preprocess.h"
#include "edgewright/statistics.h"
#include "frames.h"
#include "report.h"
#include "runtime.h"

namespace edgebench {
namespace {

using edgewright::Image;
using edgewright::LayerTime;
using edgewright::NcnnModel;
using edgewright::Pack;
using edgewright::Result;
using nlohmann::ordered_json;

constexpr int kWarmUpRuns = 5;

// The median over the runs, layer by layer.
Result<std::vector<LayerTime>> MedianTimes(NcnnModel* network, const std::vector<float>& planes, int width, int height,
                                           int num_runs) {
  std::vector<LayerTime> layers;
  std::vector<std::vector<double>> samples;
  for (int run = -kWarmUpRuns; run < num_runs; ++run) {
    Result<std::vector<LayerTime>> times = network->Profile(planes.data(), width, height);
    if (!times.ok()) return times.error();
    layers = std::move(times.value());
    samples.resize(layers.size());
    if (run < 0) continue;
    for (std::size_t i = 0; i < layers.size(); ++i) samples[i].push_back(layers[i].time_ms);
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::sort(samples[i].begin(), samples[i].end());
    layers[i].time_ms = edgewright::Percentile(samples[i], 50);
  }
  return layers;
}

double Total(const std::vector<LayerTime>& layers) {
  double sum = 0;
  for (const LayerTime& layer : layers) sum += layer.time_ms;
  return sum;
}

void Print(const std::vector<LayerTime>& layers) {
  const double total = Total(layers);
  std::printf("%5s  %-24s %-28s %9s %7s\n", "layer", "type", "name", "ms", "share");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::printf("%5zu  %-24s %-28s %9.4f %6.1f%%\n", i, layers[i].type.c_str(), layers[i].name.c_str(),
                layers[i].time_ms, 100 * layers[i].time_ms / total);
  }
  std::printf("%5s  %-24s %-28s %9.4f\n", "", "together", "", total);
}

ordered_json LayersJson(const std::vector<LayerTime>& layers) {
  ordered_json list = ordered_json::array();
  for (const LayerTime& layer : layers) {
    list.push_back({{"type", layer.type}, {"name", layer.name}, {"time_ms", layer.time_ms}});
  }
  return list;
}

}  // namespace

int Profile(const ProfileOptions& options) {
  if (const auto threads = CheckThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  const Result<Image> image = ImageToMeasure(pack.value(), "");
  if (!image.ok()) return Fail(image.error());
  Result<NcnnModel> network = edgewright::LoadNcnnModel(pack.value(), options.num_threads);
  if (!network.ok()) return Fail(network.error());
  const edgewright::Preprocess& rule = pack.value().manifest().input.preprocess;
  edgewright::Preprocessor preprocessor(rule);
  const std::vector<float>& planes = preprocessor.Normalise(preprocessor.NetworkImage(image.value().view()).view());
  const Result<std::vector<LayerTime>> layers =
      MedianTimes(&network.value(), planes, rule.width, rule.height, options.runs);
  if (!layers.ok()) return Fail(layers.error());

  if (options.json_path != "-") Print(layers.value());
  if (options.json_path.empty()) return 0;
  const ordered_json document = {{"pack", PackJson(pack.value())},
                                 {"runtime", NcnnText()},
                                 {"device", DeviceJson()},
                                 {"threads", options.num_threads},
                                 {"total_ms", Total(layers.value())},
                                 {"layers", LayersJson(layers.value())}};
  if (options.json_path == "-") {
    std::printf("%s", JsonText(document).c_str());
    return 0;
  }
  const edgewright::Status written = WriteJson(document, options.json_path);
  return written.ok() ? 0 : Fail(written.error());
}

}  // namespace edgebench
