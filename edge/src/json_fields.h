// Strict reading of one JSON object: every field is named, typed and bounded, and whatever is left over is an error.
// Only the first problem is kept; after it every read gives a harmless default, so that the reading code has no
// branches of its own.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "edgewright/result.h"
#include "one_line.h"

namespace edgewright {

// Discarded when it is none.  The one place that parses: every kind of iterator would bring a parser of its own.
nlohmann::json ParseJson(const char* begin, const char* end);

class Problem {
 public:
  void Report(const std::string& field, const std::string& what) {
    if (!first_) first_ = OneLine(field.empty() ? what : field + ": " + what);
  }
  [[nodiscard]] const std::optional<std::string>& first() const { return first_; }

 private:
  std::optional<std::string> first_;
};

// Bounds of a list's length or of a text's length in code points.
struct Length {
  std::size_t min = 0;
  std::size_t max = SIZE_MAX;
};

class JsonFields {
 public:
  // `where` is the path of the object within the document, empty for the document itself.
  JsonFields(const nlohmann::json& value, std::string where, Problem* problem);
  // Reports the keys nobody asked for.
  ~JsonFields();
  JsonFields(const JsonFields&) = delete;
  JsonFields& operator=(const JsonFields&) = delete;

  std::string Text(const char* key, Length length);
  std::optional<std::string> TextOrNull(const char* key, Length length);
  std::int64_t Integer(const char* key, std::int64_t min, std::int64_t max);
  double Number(const char* key, double min, double max);
  std::optional<double> NumberOrNull(const char* key, double min, double max);
  std::optional<double> NumberOrAbsent(const char* key, double min, double max);  // or null

  template <typename Value>
  Value Choice(const char* key, std::initializer_list<std::pair<const char*, Value>> choices) {
    const std::string text = Text(key, {});
    std::string names;
    for (const auto& [name, value] : choices) {
      if (text == name) return value;
      names += names.empty() ? name : std::string(", ") + name;
    }
    problem_->Report(Path(key), "must be one of " + names + " (got " + text + ")");
    return choices.begin()->second;
  }

  bool Flag(const char* key);
  [[nodiscard]] bool Has(const char* key) const { return value_.contains(key); }

  // An object or array below this one, empty when it is missing.
  const nlohmann::json& Object(const char* key);
  const nlohmann::json& ObjectOrNull(const char* key);  // null where it is absent
  const nlohmann::json& List(const char* key, Length length);

  // Calls `read(element, "path.index")` for each element of the list `key`.
  template <typename Read>
  void ForEach(const char* key, Length length, const Read& read) {
    const nlohmann::json& list = List(key, length);
    for (std::size_t i = 0; i < list.size(); ++i) read(list[i], Path(key) + "." + std::to_string(i));
  }

  [[nodiscard]] std::string Path(const char* key) const { return where_.empty() ? key : where_ + "." + key; }

 private:
  const nlohmann::json* Take(const char* key);

  const nlohmann::json& value_;
  std::string where_;
  Problem* problem_;
  std::set<std::string> taken_;
};

// The same checks for a value that stands alone, such as an element of a list.
std::string CheckedText(const nlohmann::json& value, const std::string& path, Length length, Problem* problem);
std::int64_t CheckedInteger(const nlohmann::json& value, const std::string& path, std::int64_t min, std::int64_t max,
                            Problem* problem);
double CheckedNumber(const nlohmann::json& value, const std::string& path, double min, double max, Problem* problem);

}  // namespace edgewright
