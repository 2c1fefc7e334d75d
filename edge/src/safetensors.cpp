#include "edgewright/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "json_fields.h"
#include "one_line.h"

namespace edgewright {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1} << 20;
constexpr std::size_t kMaxDimensions = 8;

struct TypeName {
  const char* name;
  TensorType type;
  std::uint64_t size_bytes;
};
constexpr TypeName kTypes[] = {{"U8", TensorType::kUint8, 1},
                               {"U16", TensorType::kUint16, 2},
                               {"F32", TensorType::kFloat32, 4},
                               {"I64", TensorType::kInt64, 8}};

bool IsUnsignedList(const json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const json& entry) { return entry.is_number_unsigned(); });
}

// `payload` is everything behind the header.
Result<Tensor> ParseTensor(const json& entry, const std::uint8_t* payload, std::uint64_t payload_size) {
  const auto fields_are = [&](const char* key) { return entry.is_object() && entry.contains(key); };
  if (!fields_are("dtype") || !fields_are("shape") || !fields_are("data_offsets") || entry.size() != 3) {
    return InputError("needs dtype, shape and data_offsets, and nothing else");
  }
  const auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const TypeName& candidate) { return entry["dtype"] == candidate.name; });
  if (type == std::end(kTypes)) return InputError("dtype must be U8, U16, F32 or I64");
  const json& shape = entry["shape"];
  const json& offsets = entry["data_offsets"];
  if (!IsUnsignedList(shape) || shape.size() > kMaxDimensions) return InputError("shape must be a list of sizes");
  if (!IsUnsignedList(offsets) || offsets.size() != 2) return InputError("data_offsets must be two numbers");

  const auto begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > payload_size) return InputError("data_offsets lie outside the file");
  Tensor tensor;
  tensor.type = type->type;
  std::uint64_t size_bytes = type->size_bytes;
  for (const json& side : shape) {
    const auto length = side.get<std::uint64_t>();
    if (length != 0 && size_bytes > payload_size / length) return InputError("shape is larger than the file");
    size_bytes *= length;
    tensor.shape.push_back(static_cast<std::int64_t>(length));
  }
  if (size_bytes != end - begin) return InputError("shape and data_offsets disagree");
  tensor.data.assign(payload + begin, payload + end);
  return tensor;
}

}  // namespace

std::int64_t Tensor::num_elements() const {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  return count;
}

Result<Tensors> ParseSafetensors(const Bytes& file) {
  if (file.size() < kLengthBytes) return InputError("safetensors: cut short");
  std::uint64_t header_size = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) header_size |= std::uint64_t{file[i]} << (8 * i);
  if (header_size > kMaxHeaderBytes || header_size > file.size() - kLengthBytes) {
    return InputError("safetensors: the header has " + std::to_string(header_size) + " bytes, the file " +
                      std::to_string(file.size()));
  }
  const std::uint8_t* payload = file.data() + kLengthBytes + header_size;
  // As char: the traits of other bytes are no longer in LLVM's C++ library.
  const auto* text = reinterpret_cast<const char*>(file.data() + kLengthBytes);
  const json header = ParseJson(text, text + header_size);
  if (!header.is_object()) return InputError("safetensors: the header is not a JSON object");

  Tensors tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    Result<Tensor> tensor = ParseTensor(entry, payload, file.size() - kLengthBytes - header_size);
    if (!tensor.ok()) return InputError("safetensors: " + OneLine(name) + ": " + tensor.error().message);
    tensors.emplace(name, std::move(tensor.value()));
  }
  return tensors;
}

Result<const Tensor*> FindTensor(const Tensors& tensors, const std::string& name, TensorType type,
                                 const std::vector<std::int64_t>& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return InputError("tensor " + name + " is missing");
  const Tensor& tensor = found->second;
  const auto fits = [](std::int64_t side, std::int64_t wanted) { return wanted < 0 || side == wanted; };
  const bool same =
      tensor.type == type && std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end(), fits);
  if (!same) return InputError("tensor " + name + " has another type or shape than the manifest asks for");
  return &tensor;
}

}  // namespace edgewright
