#include "ncnn_weights.h"

#include <layer.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace edgewright {
namespace {

constexpr std::uint32_t kInt8 = 0x000D4B38;
// Behind any other tag are a table and indices into it; ncnn reads both, where it has references to all other data.
constexpr std::uint32_t kPlainTags[] = {0x00000000, 0x0002C056, 0x01306B47, 0x01348B83, kInt8};
constexpr int kCodebookReads = 2;

}  // namespace

WeightsReader::WeightsReader(const ncnn::Net& net, const Bytes& bytes) : bytes_(bytes) {
  for (const ncnn::Layer* layer : net.layers()) {
    const bool convolution = layer->type == "Convolution" || layer->type == "ConvolutionDepthWise";
    const bool has_weights = layer->type == "InnerProduct" || (convolution && layer->one_blob_only);
    if (has_weights) int8_.push_back(layer->support_int8_storage);
  }
}

std::size_t WeightsReader::num_left() const { return bytes_.size() - position_; }

// ncnn does not look whether the scales of an int8 layer were there and uses them at once: they become zeros, as does
// all that would come behind them, and `complete` tells.  Their number is bounded by that of the weights, which were
// there.
std::size_t WeightsReader::read(void* buffer, std::size_t size) const {
  if (!complete_ || size > num_left()) {
    complete_ = false;
    if (size > bytes_.size()) return 0;
    std::memset(buffer, 0, size);
    return size;
  }
  if (untagged_reads_ > 0) {
    --untagged_reads_;
  } else if (size != sizeof(kInt8) || !TagFits(bytes_.data() + position_)) {
    return 0;
  }
  std::memcpy(buffer, bytes_.data() + position_, size);
  position_ += size;
  return size;
}

std::size_t WeightsReader::reference(std::size_t size, const void** data) const {
  if (!complete_ || size > num_left()) return 0;
  *data = bytes_.data() + position_;
  position_ += size;
  return size;
}

// A layer that is not in int8 would take codes for floats, or use scales that it does not have.
bool WeightsReader::TagFits(const void* data) const {
  std::uint32_t tag = 0;
  std::memcpy(&tag, data, sizeof(tag));
  const bool plain = std::find(std::begin(kPlainTags), std::end(kPlainTags), tag) != std::end(kPlainTags);
  untagged_reads_ = plain ? 0 : kCodebookReads;
  const bool int8 = num_tagged_ < int8_.size() && int8_[num_tagged_];
  ++num_tagged_;
  return tag != kInt8 || int8;
}

}  // namespace edgewright
