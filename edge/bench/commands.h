// The commands of edgebench.  Each returns its exit code: 0 success, 1 a check that did not hold, 2 wrong input.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace edgebench {

struct InfoOptions {
  std::string runtime_library;  // of tflite packs; empty: the dynamic linker finds it
  bool as_json = false;
};

struct VerifyOptions {
  std::string pack;
  int num_threads = 1;
  bool as_json = false;
  std::string runtime_library;  // of tflite packs; empty: the dynamic linker finds it
};

struct RunOptions {
  std::string pack;
  std::vector<std::string> images;  // files, or folders of files
  std::optional<float> score_threshold;
  std::optional<float> iou_threshold;
  int num_threads = 1;
  std::string json_path;        // empty: text on standard output; "-": JSON there
  std::string label_folder;     // of label maps; empty: none
  bool overlay = false;         // also a picture beside every label map
  std::string runtime_library;  // of tflite packs; empty: the dynamic linker finds it
};

struct BenchOptions {
  std::string pack;
  std::string image;             // a file; empty: the pack's first golden image
  std::vector<int> num_threads;  // empty: 1 and 4, or what the machine has
  int runs = 50;                 // of each replicate, at least, and
  double seconds = 5;            // for that long, at least
  bool mlperf = false;           // 1024 runs and 60 seconds instead
  bool allow_refused = false;    // exit code 0 whatever the verdict
  std::string json_path;         // empty: none
  std::string samples_path;      // of JSON lines; empty: none
  std::string runtime_library;   // of tflite packs; empty: the dynamic linker finds it
};

struct SustainOptions {
  std::string pack;
  int num_threads = 1;
  double seconds = 600;
  std::string json_path;        // empty: none
  std::string runtime_library;  // of tflite packs; empty: the dynamic linker finds it
};

struct ProfileOptions {
  std::string pack;
  int num_threads = 1;
  int runs = 50;
  std::string json_path;  // empty: none; "-": JSON instead of the table
};

struct CompareOptions {
  std::string pack;
  std::string other;                 // a pack, or a bare `.param` with the blob names below
  std::string input;                 // of a bare `.param`
  std::vector<std::string> outputs;  // of a bare `.param`
  int num_threads = 1;
  int warmup = 20;
  int runs = 200;
  std::string json_path;        // empty: none
  std::string runtime_library;  // of tflite packs; empty: the dynamic linker finds it
};

struct TurnsOptions {
  std::string pack;
  std::vector<int> num_threads;  // one model is loaded for each
  std::string runtime_library;   // of tflite packs; empty: the dynamic linker finds it
};

int Info(const InfoOptions& options);
int Verify(const VerifyOptions& options);
int Run(const RunOptions& options);
int Bench(const BenchOptions& options);
int Sustain(const SustainOptions& options);
int Profile(const ProfileOptions& options);
int Compare(const CompareOptions& options);
int CompareSample(const CompareOptions& options);
int Turns(const TurnsOptions& options);

}  // namespace edgebench
