#include "ncnn_pool.h"

#include <algorithm>

namespace edgewright {

NcnnPool::~NcnnPool() {
  for (const Block& block : blocks_) ncnn::fastFree(block.pointer);
}

void* NcnnPool::fastMalloc(std::size_t size) {
  const std::scoped_lock lock(mutex_);
  Block* best = nullptr;  // the smallest that is large enough, and not much too large
  for (Block& block : blocks_) {
    if (!block.is_free || block.size < size || block.size / 2 > size) continue;
    if (best == nullptr || block.size < best->size) best = &block;
  }
  if (best != nullptr) {
    best->is_free = false;
    return best->pointer;
  }
  void* pointer = ncnn::fastMalloc(size);
  if (pointer != nullptr) blocks_.push_back({pointer, size, false});
  return pointer;
}

void NcnnPool::fastFree(void* pointer) {
  const std::scoped_lock lock(mutex_);
  const auto block = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& b) { return b.pointer == pointer; });
  if (block != blocks_.end()) block->is_free = true;
}

}  // namespace edgewright
