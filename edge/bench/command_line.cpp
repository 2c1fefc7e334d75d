#include "command_line.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "one_line.h"
#include "report.h"

namespace edgebench {
namespace {

using edgewright::Done;
using edgewright::Error;
using edgewright::InputError;
using edgewright::Status;

constexpr std::size_t kAboutColumn = 30;

bool IsOption(const std::string& name) { return name.size() > 1 && name.front() == '-'; }

std::string Shown(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.10g", value);
  return text;
}

Status Refuse(const std::string& name, const std::string& value, const char* kind, const Limits& limits) {
  std::string allowed = kind;
  if (limits.max < std::numeric_limits<double>::infinity()) {
    allowed += " from " + Shown(limits.min) + " to " + Shown(limits.max);
  }
  return InputError(name + " " + value + ": give " + allowed);
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// Reads the text of one value into the target it belongs to.
struct Reader {
  const std::string& name;
  const std::string& text;
  const Limits& limits;
  bool first;  // of the values that are given: a list forgets its default

  Status operator()(bool* target) const {
    *target = true;
    return Done{};
  }
  Status operator()(int* target) const {
    char* end = nullptr;
    errno = 0;
    const long value = std::strtol(text.c_str(), &end, 10);
    const bool fits = end != text.c_str() && *end == '\0' && errno == 0 && value >= INT_MIN && value <= INT_MAX;
    if (!fits || !IsWithin(static_cast<double>(value))) return Refuse(name, text, "an integer", limits);
    *target = static_cast<int>(value);
    return Done{};
  }
  Status operator()(double* target) const {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !IsWithin(value)) return Refuse(name, text, "a number", limits);
    *target = value;
    return Done{};
  }
  Status operator()(std::optional<float>* target) const {
    double value = 0;
    const Status read = (*this)(&value);
    if (read.ok()) *target = static_cast<float>(value);
    return read;
  }
  Status operator()(std::string* target) const {
    *target = text;
    return Done{};
  }
  Status operator()(std::vector<int>* target) const {
    if (first) target->clear();
    for (const std::string& part : SplitAtCommas(text)) {
      int value = 0;
      if (const Status read = Reader{name, part, limits, first}(&value); !read.ok()) return read;
      target->push_back(value);
    }
    return Done{};
  }
  Status operator()(std::vector<std::string>* target) const {
    if (first) target->clear();
    if (!IsOption(name)) {
      target->push_back(text);
      return Done{};
    }
    for (std::string& part : SplitAtCommas(text)) target->push_back(std::move(part));
    return Done{};
  }

 private:
  [[nodiscard]] bool IsWithin(double value) const { return value >= limits.min && value <= limits.max; }
};

// Behind the name of an option, in the help: what kind of value, and its default.
struct Describer {
  std::string operator()(const bool* /*target*/) const { return ""; }
  std::string operator()(const int* target) const { return " INTEGER [" + std::to_string(*target) + "]"; }
  std::string operator()(const double* target) const { return " NUMBER [" + Shown(*target) + "]"; }
  std::string operator()(const std::optional<float>* /*target*/) const { return " NUMBER"; }
  std::string operator()(const std::string* target) const {
    return target->empty() ? " TEXT" : " TEXT [" + *target + "]";
  }
  std::string operator()(const std::vector<int>* /*target*/) const { return " INTEGER,..."; }
  std::string operator()(const std::vector<std::string>* target) const {
    std::string text = " TEXT,...";
    for (const std::string& value : *target) text += (&value == &target->front() ? " [" : ",") + value;
    return target->empty() ? text : text + "]";
  }
};

void AppendLine(std::string name, const char* about, std::string* text) {
  name.resize(std::max(name.size() + 1, kAboutColumn - 2), ' ');
  *text += "  " + name + about + "\n";
}

}  // namespace

CommandLine::CommandLine(const char* command, const char* about, const char* footer)
    : command_(command), about_(about), footer_(footer) {}

void CommandLine::Add(const char* name, Target target, const char* about, Limits limits) {
  options_.push_back({name, target, about, limits, !IsOption(name)});
}

void CommandLine::Require(const char* name) { FindOption(name)->required = true; }

std::optional<int> CommandLine::Parse(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  if (std::any_of(words.begin(), end, [](const std::string& word) { return word == "--help" || word == "-h"; })) {
    std::printf("%s", Help().c_str());
    return 0;
  }
  const Status read = Read(words);
  if (read.ok()) return std::nullopt;
  return Fail(InputError(edgewright::OneLine(std::string(command_) + ": " + read.error().message)));
}

Status CommandLine::Read(const std::vector<std::string>& words) {
  bool only_positionals = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--" && !only_positionals) {
      only_positionals = true;
      continue;
    }
    const bool named = !only_positionals && IsOption(word);
    const std::size_t equals = named ? word.find('=') : std::string::npos;
    Option* option = named ? FindOption(word.substr(0, equals)) : NextPositional();
    if (option == nullptr)
      return InputError(word + ": " + (named ? "no such option" : "one word too many") + "; see --help");
    const bool is_flag = std::holds_alternative<bool*>(option->target);
    if (is_flag && equals != std::string::npos) return InputError(option->name + ": takes no value");
    const bool value_follows = named && !is_flag && equals == std::string::npos;
    if (value_follows && i + 1 == words.size()) return InputError(option->name + ": its value is missing");
    const std::string text = value_follows ? words[++i] : equals == std::string::npos ? word : word.substr(equals + 1);
    const Reader reader{option->name, text, option->limits, !option->given};
    if (const Status read = std::visit(reader, option->target); !read.ok()) return read;
    option->given = true;
  }
  for (const Option& option : options_) {
    if (option.required && !option.given) return InputError(option.name + ": missing; see --help");
  }
  return Done{};
}

CommandLine::Option* CommandLine::FindOption(const std::string& name) {
  const auto found =
      std::find_if(options_.begin(), options_.end(), [&](const Option& option) { return option.name == name; });
  return found == options_.end() || !IsOption(name) ? nullptr : &*found;
}

CommandLine::Option* CommandLine::NextPositional() {
  const auto found = std::find_if(options_.begin(), options_.end(), [](const Option& option) {
    const bool takes_more = std::holds_alternative<std::vector<std::string>*>(option.target);
    return !IsOption(option.name) && (!option.given || takes_more);
  });
  return found == options_.end() ? nullptr : &*found;
}

std::string CommandLine::Help() const {
  std::string text = std::string(about_) + "\nUsage: edgebench " + command_ + " [OPTIONS]";
  for (const Option& option : options_) {
    const bool is_list = std::holds_alternative<std::vector<std::string>*>(option.target);
    if (!IsOption(option.name)) text += " " + option.name + (is_list ? "..." : "");
  }
  text += "\n";
  AppendHelp(true, &text);
  AppendHelp(false, &text);
  return *footer_ == '\0' ? text : text + "\n" + footer_ + "\n";
}

void CommandLine::AppendHelp(bool positional, std::string* text) const {
  *text += positional ? "\n" : "\nOptions:\n";
  if (!positional) AppendLine("-h, --help", "print this help", text);
  for (const Option& option : options_) {
    if (IsOption(option.name) == positional) continue;
    const std::string kind = positional ? "" : std::visit(Describer{}, option.target);
    AppendLine(option.name + kind + (option.required && !positional ? " (required)" : ""), option.about, text);
  }
}

}  // namespace edgebench
