#include "page_cache.h"

#include <cstddef>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>
#endif

namespace edgebench {

#if defined(__linux__)
namespace {

bool AnyPageInMemory(int descriptor, std::size_t size) {
  void* pages = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (pages == MAP_FAILED) return true;
  const auto page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> present((size + page_size - 1) / page_size);
  const bool told = mincore(pages, size, present.data()) == 0;
  munmap(pages, size);
  return !told || std::any_of(present.begin(), present.end(), [](unsigned char page) { return (page & 1U) != 0; });
}

}  // namespace

bool DropFromPageCache(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct stat status{};
  bool dropped = fstat(descriptor, &status) == 0;
  if (dropped && status.st_size > 0) {
    fdatasync(descriptor);  // a page that is not yet written cannot be dropped
    dropped = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0 &&
              !AnyPageInMemory(descriptor, static_cast<std::size_t>(status.st_size));
  }
  close(descriptor);
  return dropped;
}
#else
bool DropFromPageCache(const std::filesystem::path& file) {
  static_cast<void>(file);
  return false;
}
#endif

}  // namespace edgebench
