// Gives ncnn the contents of a .bin, and sees to it that a .bin that does not fit its .param cannot crash it.
#pragma once

#include <datareader.h>
#include <net.h>

#include <cstddef>
#include <vector>

#include "edgewright/file.h"

namespace edgewright {

// For one `ncnn::Net::load_model`, of a network whose .param is loaded.  `bytes` must outlive the network: weights are
// not copied.
class WeightsReader : public ncnn::DataReader {
 public:
  WeightsReader(const ncnn::Net& net, const Bytes& bytes);

  // Whether all that was asked for was there.
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] std::size_t num_left() const;

  std::size_t read(void* buffer, std::size_t size) const override;
  std::size_t reference(std::size_t size, const void** data) const override;

 private:
  [[nodiscard]] bool TagFits(const void* data) const;

  const Bytes& bytes_;
  std::vector<bool> int8_;  // of the layers with a tagged tensor, in order: whether they are in int8
  mutable std::size_t position_ = 0;
  mutable std::size_t num_tagged_ = 0;  // met so far
  mutable int untagged_reads_ = 0;      // to come, before the next tag
  mutable bool complete_ = true;
};

}  // namespace edgewright
