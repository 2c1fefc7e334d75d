// A value or the reason why there is none.  The library is built without exceptions: every call that can fail returns
// one of these, and ignoring it is a compiler warning.
//
//   Result<Pack> pack = OpenPack("build/yolo-fastestv2/ncnn-fp16");
//   if (!pack.ok()) return Report(pack.error());
//   Use(pack.value());
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace edgewright {

// Who has to act: `kInput`, the caller gave something that cannot be used; `kCheck`, its bytes or its results are not
// what they were promised to be.
enum class ErrorKind { kInput, kCheck };

struct Error {  // NOLINT(clang-analyzer-core.uninitialized.Assign): it loses track inside std::variant
  ErrorKind kind = ErrorKind::kInput;
  std::string message;  // one line, naming the file or field, the value, and what is allowed
};

inline Error InputError(std::string message) { return Error{ErrorKind::kInput, std::move(message)}; }
inline Error CheckError(std::string message) { return Error{ErrorKind::kCheck, std::move(message)}; }

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor): `return value;`
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor): `return InputError(...);`

  [[nodiscard]] bool ok() const { return std::get_if<T>(&state_) != nullptr; }
  // Only after `ok()`.
  [[nodiscard]] T& value() { return *Checked(std::get_if<T>(&state_)); }
  [[nodiscard]] const T& value() const { return *Checked(std::get_if<T>(&state_)); }
  // Only after `!ok()`.
  [[nodiscard]] const Error& error() const { return *Checked(std::get_if<Error>(&state_)); }

 private:
  template <typename P>
  static P* Checked(P* pointer) {
    assert(pointer != nullptr);
    return pointer;
  }

  std::variant<T, Error> state_;
};

struct Done {};
using Status = Result<Done>;  // of a call that has nothing to give back

}  // namespace edgewright
