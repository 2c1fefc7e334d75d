#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "edgewright/golden.h"
#include "report.h"

namespace edgebench {
namespace {

using edgewright::Comparison;
using edgewright::Done;
using edgewright::GoldenCase;
using edgewright::InputError;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;
using edgewright::Status;
using nlohmann::ordered_json;

Result<Comparison> VerifyCase(const Pack& pack, const std::string& name, Model* model) {
  const Result<GoldenCase> golden = edgewright::ReadGoldenCase(pack, name);
  if (!golden.ok()) return golden.error();
  return edgewright::RunGoldenCase(golden.value(), pack.manifest(), model);
}

// Results may be checked on more threads than there are cores; times may not.
Status CheckNumThreads(int num_threads) {
  constexpr int kMaxThreads = 64;
  if (num_threads >= 1 && num_threads <= kMaxThreads) return Done{};
  return InputError("--threads " + std::to_string(num_threads) + ": give 1 to " + std::to_string(kMaxThreads));
}

// What `Comparison` counts.
const char* PartsName(const edgewright::Decode& decode) {
  if (std::holds_alternative<edgewright::ClassifyDecode>(decode)) return "images";
  return std::holds_alternative<edgewright::SegmentDecode>(decode) ? "pixels" : "detections";
}

void Print(const std::string& name, const Comparison& report, const char* parts) {
  const std::string agreeing = std::to_string(report.num_agreeing) + "/" + std::to_string(report.num_parts);
  std::printf("%s  largest error %.2e  cosine %.6f  %s %s  %s\n", name.c_str(), report.max_error, report.cosine, parts,
              agreeing.c_str(), report.problem.empty() ? "ok" : report.problem.c_str());
}

ordered_json ReportJson(const std::string& name, const Comparison& report) {
  return {{"name", name},
          {"max_error", report.max_error},
          {"cosine", report.cosine},
          {"num_agreeing", report.num_agreeing},
          {"num_parts", report.num_parts},
          {"problem", report.problem}};
}

}  // namespace

int Verify(const VerifyOptions& options) {
  if (const Status threads = CheckNumThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  Result<Model> model = Model::Load(pack.value(), options.num_threads, options.runtime_library);
  if (!model.ok()) return Fail(model.error());

  bool holds = true;
  ordered_json cases = ordered_json::array();
  for (const std::string& name : pack.value().manifest().golden.cases) {
    const Result<Comparison> report = VerifyCase(pack.value(), name, &model.value());
    if (!report.ok()) return Fail(report.error());
    holds = holds && report.value().problem.empty();
    cases.push_back(ReportJson(name, report.value()));
    if (!options.as_json) Print(name, report.value(), PartsName(model.value().decode()));
  }
  if (options.as_json) {
    const ordered_json document = {{"holds", holds}, {"pack", PackJson(pack.value())}, {"cases", cases}};
    std::printf("%s", JsonText(document).c_str());
  } else {
    std::printf("%s: %s\n", options.pack.c_str(), holds ? "verified" : "NOT verified");
  }
  return holds ? 0 : 1;
}

}  // namespace edgebench
