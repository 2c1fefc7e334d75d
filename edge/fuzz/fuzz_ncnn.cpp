// Any .param and .bin, with a zero byte between them, through the checks in front of ncnn and its loader: refused or
// loaded, whole.  ncnn itself is not instrumented.
#include <algorithm>

#include "edgewright/ncnn_model.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t* end = data + size;
  const std::uint8_t* zero = std::find(data, end, std::uint8_t{0});
  const edgewright::Bytes param(data, zero);
  edgewright::Bytes bin(zero == end ? end : zero + 1, end);
  const auto model = edgewright::NcnnModel::Load(param, std::move(bin), {"image", {}, 1, /*half_precision=*/false});
  if (!model.ok()) fuzz::RequireOneLine(model.error().message);
  return 0;
}
