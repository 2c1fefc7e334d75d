// Text from a file that is not trusted, as a part of an error.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

namespace edgewright {

// Control characters, which break the line or tell a terminal what to do, become question marks.
[[nodiscard]] inline std::string OneLine(std::string text) {
  const auto controls = [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; };
  std::replace_if(text.begin(), text.end(), controls, '?');
  return text;
}

}  // namespace edgewright
