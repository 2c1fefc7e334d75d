#include "json_fields.h"

#include <algorithm>
#include <cstdio>

namespace edgewright {
namespace {

using nlohmann::json;

std::string Shown(const json& value) {
  if (value.is_structured()) return std::string(" (got an ") + value.type_name() + ")";  // `dump` would recurse
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return " (got " + text + ")";
}

std::string Shown(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

std::size_t CountCodePoints(const std::string& utf8) {
  const auto starts_one = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), starts_one));
}

bool CheckLength(std::size_t found, const char* what, const std::string& path, Length length, Problem* problem) {
  if (found >= length.min && found <= length.max) return true;
  problem->Report(path, "must have " + std::to_string(length.min) + " to " + std::to_string(length.max) + " " + what +
                            " (got " + std::to_string(found) + ")");
  return false;
}

const json& EmptyObject() {
  static const json kEmpty = json::object();
  return kEmpty;
}

const json& EmptyList() {
  static const json kEmpty = json::array();
  return kEmpty;
}

}  // namespace

json ParseJson(const char* begin, const char* end) {
  return json::parse(begin, end, nullptr, /*allow_exceptions=*/false);
}

std::string CheckedText(const json& value, const std::string& path, Length length, Problem* problem) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    problem->Report(path, "must be a string" + Shown(value));
    return {};
  }
  CheckLength(CountCodePoints(*text), "characters", path, length, problem);
  return *text;
}

std::int64_t CheckedInteger(const json& value, const std::string& path, std::int64_t min, std::int64_t max,
                            Problem* problem) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
  const std::int64_t number = fits ? value.get<std::int64_t>() : 0;
  if (fits && number >= min && number <= max) return number;
  problem->Report(path, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) + Shown(value));
  return min;
}

double CheckedNumber(const json& value, const std::string& path, double min, double max, Problem* problem) {
  const double number = value.is_number() ? value.get<double>() : 0;
  if (value.is_number() && number >= min && number <= max) return number;
  problem->Report(path, "must be a number from " + Shown(min) + " to " + Shown(max) + Shown(value));
  return min;
}

JsonFields::JsonFields(const json& value, std::string where, Problem* problem)
    : value_(value.is_object() ? value : EmptyObject()), where_(std::move(where)), problem_(problem) {
  if (!value.is_object()) problem_->Report(where_, "must be an object" + Shown(value));
}

JsonFields::~JsonFields() {
  for (const auto& [key, value] : value_.items()) {
    if (taken_.count(key) == 0) problem_->Report(Path(key.c_str()), "unknown key");
  }
}

const json* JsonFields::Take(const char* key) {
  taken_.insert(key);
  const auto found = value_.find(key);
  if (found != value_.end()) return &*found;
  problem_->Report(Path(key), "missing");
  return nullptr;
}

std::string JsonFields::Text(const char* key, Length length) {
  const json* value = Take(key);
  return value == nullptr ? std::string() : CheckedText(*value, Path(key), length, problem_);
}

std::optional<std::string> JsonFields::TextOrNull(const char* key, Length length) {
  const json* value = Take(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return CheckedText(*value, Path(key), length, problem_);
}

std::int64_t JsonFields::Integer(const char* key, std::int64_t min, std::int64_t max) {
  const json* value = Take(key);
  return value == nullptr ? min : CheckedInteger(*value, Path(key), min, max, problem_);
}

double JsonFields::Number(const char* key, double min, double max) {
  const json* value = Take(key);
  return value == nullptr ? min : CheckedNumber(*value, Path(key), min, max, problem_);
}

std::optional<double> JsonFields::NumberOrNull(const char* key, double min, double max) {
  const json* value = Take(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return CheckedNumber(*value, Path(key), min, max, problem_);
}

std::optional<double> JsonFields::NumberOrAbsent(const char* key, double min, double max) {
  return value_.contains(key) ? NumberOrNull(key, min, max) : std::nullopt;
}

bool JsonFields::Flag(const char* key) {
  const json* value = Take(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) problem_->Report(Path(key), "must be true or false" + Shown(*value));
  return value->is_boolean() && value->get<bool>();
}

const json& JsonFields::Object(const char* key) {
  const json* value = Take(key);
  return value == nullptr ? EmptyObject() : *value;
}

const json& JsonFields::ObjectOrNull(const char* key) {
  static const json null;
  return value_.contains(key) ? *Take(key) : null;
}

const json& JsonFields::List(const char* key, Length length) {
  const json* value = Take(key);
  if (value == nullptr) return EmptyList();
  if (!value->is_array()) {
    problem_->Report(Path(key), "must be a list" + Shown(*value));
    return EmptyList();
  }
  return CheckLength(value->size(), "entries", Path(key), length, problem_) ? *value : EmptyList();
}

}  // namespace edgewright
