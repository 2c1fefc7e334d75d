#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "edgewright/golden.h"
#include "report.h"

namespace edgebench {
namespace {

using edgewright::Detector;
using edgewright::GoldenCase;
using edgewright::GoldenReport;
using edgewright::Pack;
using edgewright::Result;
using nlohmann::ordered_json;

Result<GoldenReport> VerifyCase(const Pack& pack, const std::string& name, Detector* detector) {
  const Result<GoldenCase> golden = edgewright::ReadGoldenCase(pack, name);
  if (!golden.ok()) return golden.error();
  return edgewright::RunGoldenCase(golden.value(), pack.manifest(), detector);
}

void Print(const std::string& name, const GoldenReport& report) {
  std::printf("%s  largest error %.2e  cosine %.6f  detections %d/%d  %s\n", name.c_str(), report.max_error,
              report.cosine, report.num_matched, report.num_reference,
              report.problem.empty() ? "ok" : report.problem.c_str());
}

ordered_json ReportJson(const std::string& name, const GoldenReport& report) {
  return {{"name", name},
          {"max_error", report.max_error},
          {"cosine", report.cosine},
          {"num_reference", report.num_reference},
          {"num_matched", report.num_matched},
          {"problem", report.problem}};
}

}  // namespace

int Verify(const VerifyOptions& options) {
  if (const auto threads = CheckThreads(options.num_threads); !threads.ok()) return Fail(threads.error());
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return Fail(pack.error());
  Result<Detector> detector = Detector::Load(pack.value(), options.num_threads);
  if (!detector.ok()) return Fail(detector.error());

  bool holds = true;
  ordered_json cases = ordered_json::array();
  for (const std::string& name : pack.value().manifest().golden.cases) {
    const Result<GoldenReport> report = VerifyCase(pack.value(), name, &detector.value());
    if (!report.ok()) return Fail(report.error());
    holds = holds && report.value().problem.empty();
    cases.push_back(ReportJson(name, report.value()));
    if (!options.as_json) Print(name, report.value());
  }
  if (options.as_json) {
    const ordered_json document = {{"holds", holds}, {"pack", PackJson(pack.value())}, {"cases", cases}};
    std::printf("%s\n", document.dump(2).c_str());
  } else {
    std::printf("%s: %s\n", options.pack.c_str(), holds ? "verified" : "NOT verified");
  }
  return holds ? 0 : 1;
}

}  // namespace edgebench
