// edgebench: checks and measures packs on the machine it runs on.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>

#include "commands.h"

namespace edgebench {
namespace {

constexpr int kMinRuns = 50;
constexpr int kMaxRuns = 1000000;

void AddThreads(CLI::App* command, int* num_threads) {
  command->add_option("--threads", *num_threads, "threads of the network, at most the machine's cores")
      ->capture_default_str();
}

void AddRuns(CLI::App* command, int* warmup, int* runs) {
  command->add_option("--warmup", *warmup, "runs before the measured ones")
      ->check(CLI::Range(0, kMaxRuns))
      ->capture_default_str();
  command->add_option("--runs", *runs, "measured runs")->check(CLI::Range(kMinRuns, kMaxRuns))->capture_default_str();
}

void AddInfo(CLI::App* app, int* exit_code) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App* command = app->add_subcommand("info", "what this machine and this build can do");
  command->add_flag("--json", *as_json, "print JSON");
  command->callback([=] { *exit_code = Info(*as_json); });
}

void AddVerify(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = app->add_subcommand("verify", "check every byte of a pack and repeat its golden cases");
  command->footer(
      "Each golden case is an image and what the PyTorch source made of it.  Resizing and decoding must be "
      "reproduced,\n"
      "the network must stay within the manifest's tolerance.\n"
      "Example: edgebench verify build/yolo-fastestv2/ncnn-fp16");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  command->add_flag("--json", options->as_json, "print JSON");
  command->add_option("--threads", options->num_threads, "threads of the network, also more than the machine has cores")
      ->capture_default_str();
  command->callback([=] { *exit_code = Verify(*options); });
}

void AddRun(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app->add_subcommand("run", "what a pack sees in images: detections, class scores or label maps");
  command->footer(
      "Examples:\n"
      "  edgebench run build/yolo-fastestv2/ncnn-fp16 photo.jpg --score 0.5\n"
      "  edgebench run build/espnetv2-1.0-classify/ncnn-fp16 photos/ --json found.json     (every probability)\n"
      "  edgebench run build/espnetv2-1.0-segment/ncnn-fp16 photos/ --out maps --overlay     (maps/photo.png, whose "
      "pixel\n"
      "                                    values are classes, and maps/photo.overlay.png to look at)\n"
      "edgewright-eval scores what --json wrote against a labelled data set.");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  command->add_option("images", options->images, "files, or folders of them")->required();
  command->add_option("--score", options->score_threshold, "detect: least score, instead of the manifest's")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--iou", options->iou_threshold, "detect: overlap for suppression, instead of the manifest's")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--out", options->label_folder, "segment: write a PNG label map per image to this folder");
  command->add_flag("--overlay", options->overlay, "segment: also a picture of image and label map");
  command->add_option("--json", options->json_path, "write everything to this file, or - for standard output");
  AddThreads(command, &options->num_threads);
  command->callback([=] { *exit_code = Run(*options); });
}

void AddBench(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app->add_subcommand("bench", "latency of a pack, or the reason why it cannot be trusted");
  command->footer(
      "Three processes, one after the other, each on the fastest cores: load, first run, warm-up until the times are\n"
      "flat, then runs of every stage.  They must agree within 5 %, as many threads must have been busy as were asked "
      "for,\n"
      "and nothing else may have used the cores; otherwise the result is refused: \"valid\": false, exit code 1.\n"
      "Example: edgebench bench build/yolo-fastestv2/ncnn-fp16 --threads 1,4 --json latency.json");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  command->add_option("--image", options->image, "a JPEG or PNG file to measure with, its decoding included");
  command->add_option("--threads", options->num_threads, "for example 1,4; default: 1 and 4, or what the machine has")
      ->delimiter(',');
  command->add_option("--runs", options->runs, "runs of each of the three, at least")
      ->check(CLI::Range(1, kMaxRuns))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "seconds of each of the three, at least")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command->add_flag("--mlperf", options->mlperf, "1024 runs and 60 seconds, and the 90th percentile");
  command->add_flag("--allow-refused", options->allow_refused, "exit code 0 for refused results, too");
  command->add_option("--samples", options->samples_path, "write the times of every run to this file, as JSON lines");
  command->add_option("--json", options->json_path, "also write the result, every sample included, to this file");
  command->callback([=] { *exit_code = Bench(*options); });
}

void AddSustain(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<SustainOptions>();
  CLI::App* command = app->add_subcommand("sustain", "latency minute by minute: what heat does to a device");
  command->footer("Example: edgebench sustain build/yolo-fastestv2/ncnn-fp16 --seconds 1800 --threads 4");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  command->add_option("--seconds", options->seconds, "how long")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  AddThreads(command, &options->num_threads);
  command->add_option("--json", options->json_path, "also write the curve to this file");
  command->callback([=] { *exit_code = Sustain(*options); });
}

void AddProfile(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<ProfileOptions>();
  CLI::App* command = app->add_subcommand("profile", "the time of every layer of a network");
  command->footer(
      "Layers are run one by one and keep their results, which costs time of its own: read the shares, and take the\n"
      "latency of the whole from bench.\n"
      "Example: edgebench profile build/yolo-fastestv2/ncnn-fp16");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  AddThreads(command, &options->num_threads);
  command->add_option("--runs", options->runs, "runs; medians are shown")
      ->check(CLI::Range(1, kMaxRuns))
      ->capture_default_str();
  command->add_option("--json", options->json_path, "write every layer to this file, or - for standard output");
  command->callback([=] { *exit_code = Profile(*options); });
}

void AddCompare(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app->add_subcommand("ab", "two networks in turns, in one process: the paired ratio of inference");
  command->footer(
      "Example: edgebench ab build/yolo-fastestv2/ncnn-fp16 other.param --input in0 --outputs out0,out1 --runs 1500");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  command->add_option("other", options->other, "another pack, or a .param with its .bin beside it")->required();
  command->add_option("--input", options->input, "input blob of a bare .param");
  command->add_option("--outputs", options->outputs, "output blobs of a bare .param")->delimiter(',');
  AddThreads(command, &options->num_threads);
  AddRuns(command, &options->warmup, &options->runs);
  command->add_option("--json", options->json_path, "also write the result, every sample included, to this file");
  command->callback([=] { *exit_code = Compare(*options); });
}

void AddCompareSample(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<CompareOptions>();
  options->input = "input.1";
  options->outputs = {"794", "796"};
  CLI::App* command =
      app->add_subcommand("compare-sample", "a frame to boxes, in turns with the published NCNN sample");
  command->footer(
      "The sample's steps, straightforward: resize, normalise, the published network, every class of every anchor,\n"
      "every box against every other.  The frame is the pack's first golden image at 640x480.\n"
      "Example: edgebench compare-sample build/yolo-fastestv2/ncnn-fp16 yolo-fastestv2-opt.param --runs 500");
  command->add_option("pack", options->pack, "folder of the pack, a yolo-fastestv2")->required();
  command->add_option("published", options->other, "the published .param, with its .bin beside it")->required();
  command->add_option("--input", options->input, "its input blob")->capture_default_str();
  command->add_option("--outputs", options->outputs, "its output blobs")->delimiter(',')->capture_default_str();
  AddThreads(command, &options->num_threads);
  AddRuns(command, &options->warmup, &options->runs);
  command->add_option("--json", options->json_path, "also write the result, every sample included, to this file");
  command->callback([=] { *exit_code = CompareSample(*options); });
}

void AddTurns(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<TurnsOptions>();
  CLI::App* command = app->add_subcommand("turns", "latency of a pack in turns that standard input asks for");
  command->footer(
      "A line \"THREADS WARMUP RUNS\" is answered by a line with a JSON list: the milliseconds of RUNS inferences.\n"
      "So that several packs can be measured in turns, which edgewright-tune does.\n"
      "Example: echo 1 2 5 | edgebench turns build/yolo-fastestv2/ncnn-fp16 --threads 1,2");
  command->add_option("pack", options->pack, "folder of the pack")->required();
  command->add_option("--threads", options->num_threads, "the thread counts that may be asked for")
      ->delimiter(',')
      ->required();
  command->callback([=] { *exit_code = Turns(*options); });
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Checks and measures edgewright packs on this machine.\nExample: edgebench verify "
      "build/yolo-fastestv2/ncnn-fp16");
  app.require_subcommand(1);
  int exit_code = 0;
  for (const auto add :
       {AddInfo, AddVerify, AddRun, AddBench, AddSustain, AddProfile, AddCompare, AddCompareSample, AddTurns})
    add(&app, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_code;
}

}  // namespace
}  // namespace edgebench

int main(int argc, char** argv) {
  try {
    return edgebench::Main(argc, argv);
  } catch (const std::exception& error) {  // a machine without memory, a folder without permission
    std::fprintf(stderr, "edgebench: error: %s\n", error.what());
    return 2;
  }
}
