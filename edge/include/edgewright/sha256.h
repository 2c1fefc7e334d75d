// SHA-256 (FIPS 180-4), incremental, so that a file need not fit into memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace edgewright {

class Sha256 {
 public:
  void Update(const void* data, std::size_t size);
  // 64 lower-case hex digits.  The object is used up.
  [[nodiscard]] std::string HexDigest();

 private:
  static constexpr std::size_t kBlockBytes = 64;

  void Compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, kBlockBytes> pending_ = {};
  std::size_t num_pending_ = 0;
  std::uint64_t num_bytes_ = 0;
};

}  // namespace edgewright
