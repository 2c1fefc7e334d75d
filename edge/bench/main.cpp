// edgebench: checks and measures packs on the machine it runs on.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "edgewright/result.h"
#include "one_line.h"
#include "report.h"
#include "runtime.h"

namespace edgebench {
namespace {

using Words = std::vector<std::string>;

constexpr Limits kRuns = {1, 1000000};
constexpr Limits kComparedRuns = {50, 1000000};
constexpr Limits kWarmup = {0, 1000000};
constexpr Limits kFraction = {0, 1};

void AddThreads(CommandLine* line, int* num_threads) {
  line->Add("--threads", num_threads, "threads of the network, at most the machine's cores");
}

void AddRuns(CommandLine* line, int* warmup, int* runs) {
  line->Add("--warmup", warmup, "runs before the measured ones", kWarmup);
  line->Add("--runs", runs, "measured runs", kComparedRuns);
}

void AddLibrary(CommandLine* line, std::string* library) {
  *library = LibraryFromEnvironment();
  line->Add("--runtime-library", library, "for tflite packs: libLiteRt.so; default: EDGEWRIGHT_LITERT_LIBRARY");
}

int RunInfo(const char* about, const Words& words) {
  InfoOptions options;
  CommandLine line("info", about);
  AddLibrary(&line, &options.runtime_library);
  line.Add("--json", &options.as_json, "print JSON");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Info(options);
}

int RunVerify(const char* about, const Words& words) {
  VerifyOptions options;
  CommandLine line(
      "verify", about,
      "Each golden case is an image and what the PyTorch source made of it.  Resizing and decoding must be "
      "reproduced,\n"
      "the network must stay within the manifest's tolerance.\n"
      "Example: edgebench verify build/yolo-fastestv2/ncnn-fp16");
  line.Add("pack", &options.pack, "folder of the pack");
  line.Add("--json", &options.as_json, "print JSON");
  AddLibrary(&line, &options.runtime_library);
  line.Add("--threads", &options.num_threads, "threads of the network, also more than the machine has cores");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Verify(options);
}

int RunRun(const char* about, const Words& words) {
  RunOptions options;
  CommandLine line("run", about,
                   "Examples:\n"
                   "  edgebench run build/yolo-fastestv2/ncnn-fp16 photo.jpg --score 0.5\n"
                   "  edgebench run build/espnetv2-1.0-classify/ncnn-fp16 photos/ --json found.json     (every "
                   "probability)\n"
                   "  edgebench run build/espnetv2-1.0-segment/ncnn-fp16 photos/ --out maps --overlay     "
                   "(maps/photo.png, whose pixel\n"
                   "                                    values are classes, and maps/photo.overlay.png to look at)\n"
                   "edgewright-eval scores what --json wrote against a labelled data set.");
  line.Add("pack", &options.pack, "folder of the pack");
  line.Add("images", &options.images, "files, or folders of them");
  AddLibrary(&line, &options.runtime_library);
  line.Add("--score", &options.score_threshold, "detect: least score, instead of the manifest's", kFraction);
  line.Add("--iou", &options.iou_threshold, "detect: overlap for suppression, instead of the manifest's", kFraction);
  line.Add("--out", &options.label_folder, "segment: write a PNG label map per image to this folder");
  line.Add("--overlay", &options.overlay, "segment: also a picture of image and label map");
  line.Add("--json", &options.json_path, "write everything to this file, or - for standard output");
  AddThreads(&line, &options.num_threads);
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Run(options);
}

int RunBench(const char* about, const Words& words) {
  BenchOptions options;
  CommandLine line(
      "bench", about,
      "Three processes, one after the other, each on the fastest cores: load, first run, warm-up until the "
      "times are\n"
      "flat, then runs of every stage.  They must agree within 5 %, as many threads must have been busy as "
      "were asked for,\n"
      "and nothing else may have used the cores; otherwise the result is refused: \"valid\": false, exit "
      "code 1.\n"
      "Example: edgebench bench build/yolo-fastestv2/ncnn-fp16 --threads 1,4 --json latency.json");
  line.Add("pack", &options.pack, "folder of the pack");
  AddLibrary(&line, &options.runtime_library);
  line.Add("--image", &options.image, "a JPEG or PNG file to measure with, its decoding included");
  line.Add("--threads", &options.num_threads, "for example 1,4; default: 1 and 4, or what the machine has");
  line.Add("--runs", &options.runs, "runs of each of the three, at least", kRuns);
  line.Add("--seconds", &options.seconds, "seconds of each of the three, at least", {0, 3600});
  line.Add("--mlperf", &options.mlperf, "1024 runs and 60 seconds, and the 90th percentile");
  line.Add("--allow-refused", &options.allow_refused, "exit code 0 for refused results, too");
  line.Add("--samples", &options.samples_path, "write the times of every run to this file, as JSON lines");
  line.Add("--json", &options.json_path, "also write the result, every sample included, to this file");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Bench(options);
}

int RunSustain(const char* about, const Words& words) {
  SustainOptions options;
  CommandLine line("sustain", about,
                   "Example: edgebench sustain build/yolo-fastestv2/ncnn-fp16 --seconds 1800 --threads 4");
  line.Add("pack", &options.pack, "folder of the pack");
  AddLibrary(&line, &options.runtime_library);
  line.Add("--seconds", &options.seconds, "how long", {1, 86400});
  AddThreads(&line, &options.num_threads);
  line.Add("--json", &options.json_path, "also write the curve to this file");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Sustain(options);
}

int RunProfile(const char* about, const Words& words) {
  ProfileOptions options;
  CommandLine line(
      "profile", about,
      "Layers are run one by one and keep their results, which costs time of its own: read the shares, and "
      "take the\n"
      "latency of the whole from bench.\n"
      "Example: edgebench profile build/yolo-fastestv2/ncnn-fp16");
  line.Add("pack", &options.pack, "folder of the pack");
  AddThreads(&line, &options.num_threads);
  line.Add("--runs", &options.runs, "runs; medians are shown", kRuns);
  line.Add("--json", &options.json_path, "write every layer to this file, or - for standard output");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Profile(options);
}

int RunCompare(const char* about, const Words& words) {
  CompareOptions options;
  CommandLine line("ab", about,
                   "Example: edgebench ab build/yolo-fastestv2/ncnn-fp16 other.param --input in0 --outputs out0,out1 "
                   "--runs 1500");
  line.Add("pack", &options.pack, "folder of the pack");
  line.Add("other", &options.other, "another pack, or a .param with its .bin beside it");
  line.Add("--input", &options.input, "input blob of a bare .param");
  line.Add("--outputs", &options.outputs, "output blobs of a bare .param");
  AddLibrary(&line, &options.runtime_library);
  AddThreads(&line, &options.num_threads);
  AddRuns(&line, &options.warmup, &options.runs);
  line.Add("--json", &options.json_path, "also write the result, every sample included, to this file");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Compare(options);
}

int RunCompareSample(const char* about, const Words& words) {
  CompareOptions options;
  options.input = "input.1";
  options.outputs = {"794", "796"};
  CommandLine line(
      "compare-sample", about,
      "The sample's steps, straightforward: resize, normalise, the published network, every class of every "
      "anchor,\n"
      "every box against every other.  The frame is the pack's first golden image at 640x480.\n"
      "Example: edgebench compare-sample build/yolo-fastestv2/ncnn-fp16 yolo-fastestv2-opt.param --runs 500");
  line.Add("pack", &options.pack, "folder of the pack, a yolo-fastestv2");
  line.Add("published", &options.other, "the published .param, with its .bin beside it");
  line.Add("--input", &options.input, "its input blob");
  line.Add("--outputs", &options.outputs, "its output blobs");
  AddThreads(&line, &options.num_threads);
  AddRuns(&line, &options.warmup, &options.runs);
  line.Add("--json", &options.json_path, "also write the result, every sample included, to this file");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return CompareSample(options);
}

int RunTurns(const char* about, const Words& words) {
  TurnsOptions options;
  CommandLine line("turns", about,
                   "A line \"THREADS WARMUP RUNS\" is answered by a line with a JSON list: the milliseconds of RUNS "
                   "inferences.\n"
                   "So that several packs can be measured in turns, which edgewright-tune does.\n"
                   "Example: echo 1 2 5 | edgebench turns build/yolo-fastestv2/ncnn-fp16 --threads 1,2");
  line.Add("pack", &options.pack, "folder of the pack");
  AddLibrary(&line, &options.runtime_library);
  line.Add("--threads", &options.num_threads, "the thread counts that may be asked for");
  line.Require("--threads");
  if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
  return Turns(options);
}

struct Command {
  const char* name;
  const char* about;
  int (*run)(const char* about, const Words& words);
};

constexpr Command kCommands[] = {
    {"info", "what this machine and this build can do", RunInfo},
    {"verify", "check every byte of a pack and repeat its golden cases", RunVerify},
    {"run", "what a pack sees in images: detections, class scores or label maps", RunRun},
    {"bench", "latency of a pack, or the reason why it cannot be trusted", RunBench},
    {"sustain", "latency minute by minute: what heat does to a device", RunSustain},
    {"profile", "the time of every layer of a network", RunProfile},
    {"ab", "two networks in turns, in one process: the paired ratio of inference", RunCompare},
    {"compare-sample", "a frame to boxes, in turns with the published NCNN sample", RunCompareSample},
    {"turns", "latency of a pack in turns that standard input asks for", RunTurns},
};

void PrintHelp() {
  std::printf(
      "Checks and measures edgewright packs on this machine.\n"
      "Usage: edgebench SUBCOMMAND ...; edgebench SUBCOMMAND --help tells more\n"
      "Example: edgebench verify build/yolo-fastestv2/ncnn-fp16\n\n"
      "Subcommands:\n");
  for (const Command& command : kCommands) std::printf("  %-15s %s\n", command.name, command.about);
}

int Main(const Words& words) {
  if (words.empty()) return Fail(edgewright::InputError("say what to do: a subcommand; see --help"));
  if (words.front() == "--help" || words.front() == "-h") {
    PrintHelp();
    return 0;
  }
  for (const Command& command : kCommands) {
    if (words.front() == command.name) return command.run(command.about, {words.begin() + 1, words.end()});
  }
  std::string names;
  for (const Command& command : kCommands) names += (names.empty() ? "" : ", ") + std::string(command.name);
  return Fail(edgewright::InputError(edgewright::OneLine(words.front()) + ": no such subcommand; there are " + names));
}

// Built without exceptions, as the core is.
void EndWithoutMemory() {
  std::fputs("edgebench: error: out of memory\n", stderr);
  std::_Exit(2);
}

}  // namespace
}  // namespace edgebench

int main(int argc, char** argv) {
  std::set_new_handler(edgebench::EndWithoutMemory);
  return edgebench::Main({argv + std::min(argc, 1), argv + argc});
}
