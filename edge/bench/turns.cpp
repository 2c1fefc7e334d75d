#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "commands.h"
#include "edgewright/golden.h"
#include "edgewright/model.h"
#include "kernel_file.h"
#include "report.h"
#include "runtime.h"
#include "timing.h"

namespace edgebench {
namespace {

using edgewright::InputError;
using edgewright::Model;
using edgewright::Pack;
using edgewright::Result;
using nlohmann::ordered_json;

constexpr int kMaxRuns = 1000000;

// A model per thread count, and the input in place.
struct Contestants {
  std::map<int, Model> models;
  std::vector<float> planes;
  std::string runtime;
};

Result<Contestants> Load(const TurnsOptions& options) {
  const Result<Pack> pack = Pack::Open(options.pack);
  if (!pack.ok()) return pack.error();
  const auto golden = edgewright::ReadGoldenCase(pack.value(), pack.value().manifest().golden.cases.front());
  if (!golden.ok()) return golden.error();
  Contestants loaded;
  loaded.runtime = RuntimeText(pack.value(), options.runtime_library);
  for (const int num_threads : options.num_threads) {
    Result<Model> model = Model::Load(pack.value(), num_threads, options.runtime_library);
    if (!model.ok()) return model.error();
    const auto planes = model.value().Planes(golden.value().source_bgr.view());
    if (!planes.ok()) return planes.error();
    loaded.planes = *planes.value();
    loaded.models.insert_or_assign(num_threads, std::move(model.value()));
  }
  return loaded;
}

constexpr int kNone = -1;

int ToCount(const std::string& word) {
  char* end = nullptr;
  const long value = std::strtol(word.c_str(), &end, 10);
  return *end == '\0' && value >= 0 && value <= kMaxRuns ? static_cast<int>(value) : kNone;
}

// Of standard input, without its end; nothing when there is none.
std::optional<std::string> ReadLine() {
  std::string line;
  for (int c = std::getchar(); c != '\n'; c = std::getchar()) {
    if (c == EOF) return line.empty() ? std::nullopt : std::optional(line);
    line += static_cast<char>(c);
  }
  return line;
}

Result<std::vector<double>> TakeTurn(const std::string& line, Contestants* contestants) {
  std::vector<int> numbers;
  for (const std::string& word : SplitWords(line)) numbers.push_back(ToCount(word));
  numbers.resize(3, kNone);
  const int num_threads = numbers[0];
  const int warmup = numbers[1];
  const int runs = numbers[2];
  const auto found = contestants->models.find(num_threads);
  const bool counts_fit = warmup >= 0 && warmup <= kMaxRuns && runs >= 1 && runs <= kMaxRuns;
  if (found == contestants->models.end() || !counts_fit) {
    return InputError("\"" + line + "\": give one of --threads, a number of runs to warm up and a number of runs");
  }
  return MeasureRuns(warmup, runs, [&] { return found->second.Infer(contestants->planes); });
}

void Answer(const ordered_json& document) {
  std::printf("%s\n", document.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

}  // namespace

int Turns(const TurnsOptions& options) {
  for (const int num_threads : options.num_threads) {
    if (const auto threads = CheckThreads(num_threads); !threads.ok()) return Fail(threads.error());
  }
  Result<Contestants> contestants = Load(options);
  if (!contestants.ok()) return Fail(contestants.error());
  Answer({{"runtime", contestants.value().runtime}});
  while (const std::optional<std::string> line = ReadLine()) {
    const Result<std::vector<double>> samples = TakeTurn(*line, &contestants.value());
    if (!samples.ok()) return Fail(samples.error());
    Answer(samples.value());
  }
  return 0;
}

}  // namespace edgebench
