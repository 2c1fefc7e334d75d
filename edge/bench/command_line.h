// The words behind the name of a command: what it takes, its help, and reading it.
//
//   CommandLine line("verify", "check a pack");
//   line.Add("pack", &options.pack, "folder of the pack");         // without dashes: in order, and required
//   line.Add("--threads", &options.num_threads, "threads of the network");
//   if (const std::optional<int> exit_code = line.Parse(words)) return *exit_code;
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "edgewright/result.h"

namespace edgebench {

struct Limits {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

class CommandLine {
 public:
  // Where a value goes.  A list takes its values separated by commas; one without dashes takes all words that are left.
  using Target = std::variant<bool*, int*, double*, std::optional<float>*, std::string*, std::vector<int>*,
                              std::vector<std::string>*>;

  CommandLine(const char* command, const char* about, const char* footer = "");

  // What `target` holds is the default.
  void Add(const char* name, Target target, const char* about, Limits limits = {});
  void Require(const char* name);

  // The exit code when there is nothing more to do: the help was asked for, or a word is wrong.
  [[nodiscard]] std::optional<int> Parse(const std::vector<std::string>& words);
  [[nodiscard]] std::string Help() const;

 private:
  struct Option {
    std::string name;
    Target target;
    const char* about;
    Limits limits;
    bool required;
    bool given = false;
  };

  [[nodiscard]] edgewright::Status Read(const std::vector<std::string>& words);
  [[nodiscard]] Option* FindOption(const std::string& name);
  [[nodiscard]] Option* NextPositional();
  void AppendHelp(bool positional, std::string* text) const;

  const char* command_;
  const char* about_;
  const char* footer_;
  std::vector<Option> options_;
};

}  // namespace edgebench
