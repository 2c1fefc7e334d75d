// Any bytes as golden vectors: a tensor that is given has the bytes of its shape.
#include "edgewright/safetensors.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tensors = edgewright::ParseSafetensors(edgewright::Bytes(data, data + size));
  if (!tensors.ok()) {
    fuzz::RequireOneLine(tensors.error().message);
    return 0;
  }
  for (const auto& [name, tensor] : tensors.value()) {
    const std::size_t sizes[] = {1, 2, 4, 8};  // in the order of TensorType
    const auto num_elements = static_cast<std::size_t>(tensor.num_elements());
    fuzz::Require(tensor.data.size() == num_elements * sizes[static_cast<std::size_t>(tensor.type)]);
  }
  return 0;
}
