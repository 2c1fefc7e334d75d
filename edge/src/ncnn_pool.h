// Memory that ncnn asks for in every inference, kept from one to the next.
#pragma once

#include <allocator.h>

#include <cstddef>
#include <mutex>
#include <vector>

namespace edgewright {

// For the blobs and the working memory of one network, whose sizes repeat.  ncnn's own pools allocate a list node per
// request.  Thread-safe, as layers may ask from several threads.
class NcnnPool : public ncnn::Allocator {
 public:
  NcnnPool() = default;
  NcnnPool(const NcnnPool&) = delete;
  NcnnPool& operator=(const NcnnPool&) = delete;
  ~NcnnPool() override;

  void* fastMalloc(std::size_t size) override;
  void fastFree(void* pointer) override;

 private:
  struct Block {
    void* pointer;
    std::size_t size;
    bool is_free;
  };

  std::mutex mutex_;
  std::vector<Block> blocks_;
};

}  // namespace edgewright
