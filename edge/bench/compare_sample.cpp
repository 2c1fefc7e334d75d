#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "bare_model.h"
#include "commands.h"
#include "edgewright/golden.h"
#include "edgewright/model.h"
#include "report.h"
#include "rounds.h"
#include "runtime.h"
#include "sample.h"

namespace edgebench {
namespace {

using edgewright::Detections;
using edgewright::Image;
using edgewright::InputError;
using edgewright::Model;
using edgewright::NcnnModel;
using edgewright::Pack;
using edgewright::Prediction;
using edgewright::Result;
using nlohmann::ordered_json;

constexpr int kFrameWidth = 640;
constexpr int kFrameHeight = 480;

// The pack's first golden image at the size of a small camera's frame.
Result<Image> Frame(const Pack& pack) {
  const auto golden = edgewright::ReadGoldenCase(pack, pack.manifest().golden.cases.front());
  if (!golden.ok()) return golden.error();
  edgewright::Preprocess rule;
  rule.width = kFrameWidth;
  rule.height = kFrameHeight;
  return edgewright::Preprocessor(rule).NetworkImage(golden.value().source_bgr.view());
}

Result<Sample> LoadSample(const CompareOptions& options, const edgewright::Manifest& manifest) {
  const auto* detect = std::get_if<edgewright::DetectDecode>(&manifest.decode);
  const auto* head = detect == nullptr ? nullptr : std::get_if<edgewright::YoloFastestV2Head>(&detect->head);
  if (head == nullptr) return InputError(options.pack + ": the sample knows decode.kind yolo-fastestv2 only");
  Result<NcnnModel> network =
      LoadBareModel(options.other, {options.input, options.outputs, options.num_threads, /*half_precision=*/false});
  if (!network.ok()) return network.error();
  const edgewright::Preprocess& rule = manifest.input.preprocess;
  return Sample(std::move(network.value()), rule.width, rule.height, *head);
}

}  // namespace

int CompareSample(const CompareOptions& options) {
  if (const auto threads = CheckThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  const Result<Image> frame = Frame(pack.value());
  if (!frame.ok()) return Fail(frame.error());
  Result<Model> ours = Model::Load(pack.value(), options.num_threads);
  if (!ours.ok()) return Fail(ours.error());
  Result<Sample> sample = LoadSample(options, pack.value().manifest());
  if (!sample.ok()) return Fail(sample.error());

  const edgewright::ImageView view = frame.value().view();
  Prediction found;
  std::size_t num_found_by_sample = 0;
  const Result<Rounds> rounds = Interleave(
      options.warmup, options.runs, [&] { return ours.value().Predict(view, &found); },
      [&] {
        Result<Detections> boxes = sample.value().Detect(view);
        if (boxes.ok()) num_found_by_sample = boxes.value().size();
        return boxes;
      });
  if (!rounds.ok()) return Fail(rounds.error());

  const std::size_t num_found = std::get<Detections>(found).size();
  const RatioStats ratio = Summarize(rounds.value().ratio);
  std::printf("pack    %zu boxes  %s\n", num_found, LatencyText(rounds.value().pack).c_str());
  std::printf("sample  %zu boxes  %s\n", num_found_by_sample, LatencyText(rounds.value().other).c_str());
  std::printf("pack / sample, %dx%d to boxes, paired: median %.4f  (p10 %.4f, p90 %.4f)\n", kFrameWidth, kFrameHeight,
              ratio.median, ratio.p10, ratio.p90);
  if (options.json_path.empty()) return 0;
  const ordered_json document = {{"pack", PackJson(pack.value())},
                                 {"sample", options.other},
                                 {"runtime", NcnnText()},
                                 {"device", DeviceJson()},
                                 {"threads", options.num_threads},
                                 {"warmup", options.warmup},
                                 {"runs", options.runs},
                                 {"num_boxes", {{"pack", num_found}, {"sample", num_found_by_sample}}},
                                 {"pack_ms", LatencyJson(rounds.value().pack)},
                                 {"sample_ms", LatencyJson(rounds.value().other)},
                                 {"paired_ratio", {{"p10", ratio.p10}, {"median", ratio.median}, {"p90", ratio.p90}}}};
  const edgewright::Status written = WriteJson(document, options.json_path);
  return written.ok() ? 0 : Fail(written.error());
}

}  // namespace edgebench
