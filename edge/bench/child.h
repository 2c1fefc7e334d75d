// A call in a process of its own: what one measurement leaves behind in memory, threads and caches cannot touch the
// next.
#pragma once

#include <functional>
#include <string>

#include "edgewright/result.h"

namespace edgebench {

// What `call` returns.  An error when the process ends in another way, by a signal for example.  Call it before this
// process has threads: they do not exist in the child.
[[nodiscard]] edgewright::Result<std::string> RunInChild(const std::function<edgewright::Result<std::string>()>& call);

}  // namespace edgebench
