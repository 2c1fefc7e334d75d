#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "bare_model.h"
#include "commands.h"
#include "edgewright/golden.h"
#include "edgewright/load_network.h"
#include "edgewright/preprocess.h"
#include "report.h"
#include "rounds.h"
#include "runtime.h"

namespace edgebench {
namespace {

using edgewright::NcnnModel;
using edgewright::Network;
using edgewright::Pack;
using edgewright::Preprocess;
using edgewright::Preprocessor;
using edgewright::Result;
using nlohmann::ordered_json;

struct Contestant {
  std::unique_ptr<Network> network;
  std::vector<float> planes;
  int width = 0;
  int height = 0;

  Result<std::vector<edgewright::MapView>> Run() { return network->Run(planes.data(), width, height); }
};

// The contestants see the same pixels; a pack at its own size and normalisation.
std::vector<float> Planes(const Preprocess& rule, const edgewright::Image& source) {
  return Preprocessor(rule).Planes(source.view());
}

Result<Contestant> LoadPack(const Pack& pack, const edgewright::Image& source, const CompareOptions& options) {
  const edgewright::Manifest& manifest = pack.manifest();
  Result<std::unique_ptr<Network>> network =
      edgewright::LoadNetwork(pack, options.num_threads, options.runtime_library);
  if (!network.ok()) return network.error();
  const Preprocess& rule = manifest.input.preprocess;
  return Contestant{std::move(network.value()), Planes(rule, source), rule.width, rule.height};
}

// A model that is not a pack: fp32, fed as `like` is.
Result<Contestant> LoadBare(const CompareOptions& options, const Preprocess& like, const edgewright::Image& source) {
  Result<NcnnModel> model =
      LoadBareModel(options.other, {options.input, options.outputs, options.num_threads, /*half_precision=*/false});
  if (!model.ok()) return model.error();
  return Contestant{std::make_unique<NcnnModel>(std::move(model.value())), Planes(like, source), like.width,
                    like.height};
}

Result<Contestant> LoadOther(const CompareOptions& options, const Pack& pack, const edgewright::Image& source) {
  if (std::filesystem::path(options.other).extension() == ".param") {
    return LoadBare(options, pack.manifest().input.preprocess, source);
  }
  const Result<Pack> other = Pack::Open(options.other);
  if (!other.ok()) return other.error();
  return LoadPack(other.value(), source, options);
}

}  // namespace

int Compare(const CompareOptions& options) {
  if (const auto threads = CheckThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  const auto golden = edgewright::ReadGoldenCase(pack.value(), pack.value().manifest().golden.cases.front());
  if (!golden.ok()) return Fail(golden.error());
  const edgewright::Image& source = golden.value().source_bgr;
  Result<Contestant> ours = LoadPack(pack.value(), source, options);
  if (!ours.ok()) return Fail(ours.error());
  Result<Contestant> other = LoadOther(options, pack.value(), source);
  if (!other.ok()) return Fail(other.error());
  const Result<Rounds> rounds =
      Interleave(options.warmup, options.runs, [&] { return ours.value().Run(); }, [&] { return other.value().Run(); });
  if (!rounds.ok()) return Fail(rounds.error());

  const RatioStats ratio = Summarize(rounds.value().ratio);
  std::printf("pack   %s\n", LatencyText(rounds.value().pack).c_str());
  std::printf("other  %s\n", LatencyText(rounds.value().other).c_str());
  std::printf("pack / other, paired: median %.4f  (p10 %.4f, p90 %.4f; below 1 the pack is faster)\n", ratio.median,
              ratio.p10, ratio.p90);
  if (options.json_path.empty()) return 0;
  const ordered_json document = {{"pack", PackJson(pack.value())},
                                 {"other", options.other},
                                 {"runtime", RuntimeText(pack.value(), options.runtime_library)},
                                 {"device", DeviceJson()},
                                 {"threads", options.num_threads},
                                 {"warmup", options.warmup},
                                 {"runs", options.runs},
                                 {"pack_ms", LatencyJson(rounds.value().pack)},
                                 {"other_ms", LatencyJson(rounds.value().other)},
                                 {"paired_ratio", {{"p10", ratio.p10}, {"median", ratio.median}, {"p90", ratio.p90}}}};
  const edgewright::Status written = WriteJson(document, options.json_path);
  return written.ok() ? 0 : Fail(written.error());
}

}  // namespace edgebench
