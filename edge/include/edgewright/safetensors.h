// The safetensors format: 8 bytes little-endian header length, a JSON header, then the tensors' bytes.  Every offset of
// the header is checked before it is used.  Golden vectors are kept in it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "edgewright/file.h"
#include "edgewright/result.h"

namespace edgewright {

enum class TensorType { kUint8, kUint16, kFloat32, kInt64 };  // "U8", "U16", "F32", "I64"; others are errors

struct Tensor {
  TensorType type = TensorType::kUint8;
  std::vector<std::int64_t> shape;
  Bytes data;  // row-major, little-endian

  [[nodiscard]] std::int64_t num_elements() const;
  // The elements as T, which must be the type's own: std::uint8_t, std::uint16_t, float or std::int64_t.
  template <typename T>
  [[nodiscard]] const T* as() const {
    return reinterpret_cast<const T*>(data.data());
  }
};

using Tensors = std::map<std::string, Tensor>;

[[nodiscard]] Result<Tensors> ParseSafetensors(const Bytes& file);

// The tensor `name` of that type and shape; -1 in `shape` matches any length.
[[nodiscard]] Result<const Tensor*> FindTensor(const Tensors& tensors, const std::string& name, TensorType type,
                                               const std::vector<std::int64_t>& shape);

}  // namespace edgewright
