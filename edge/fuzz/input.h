// The bytes of one input, taken from the front; zeros once they are used up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  template <typename T>
  T Take() {
    T value{};
    const std::size_t count = sizeof(T) < size_ ? sizeof(T) : size_;
    if (count > 0) std::memcpy(&value, data_, count);
    data_ += count;
    size_ -= count;
    return value;
  }
  // 0..limit-1
  int Below(int limit) { return static_cast<int>(Take<std::uint16_t>()) % limit; }

  // What is left.
  [[nodiscard]] const std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

// A promise of the core that holds for every input; libFuzzer keeps the one that breaks it.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

// Of an error: there, on one line, and nothing in it that a terminal obeys.
inline void RequireOneLine(const std::string& message) {
  Require(!message.empty());
  for (const char c : message) Require(static_cast<unsigned char>(c) >= 0x20U && c != 0x7F);
}

}  // namespace fuzz
