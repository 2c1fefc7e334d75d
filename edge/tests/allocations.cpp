// edge_allocations PACK: how often each step of a frame allocates once the first frames are through, as
// "planes 0, network 12, decode 0, predict 12".  Linked with --wrap, so that whatever is linked in statically is
// counted, ncnn included.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "edgewright/golden.h"
#include "edgewright/model.h"

namespace {
std::atomic<long> g_allocations{0};
}  // namespace

extern "C" {
void* __real_malloc(std::size_t size);                                                  // NOLINT
void* __real_calloc(std::size_t count, std::size_t size);                               // NOLINT
void* __real_realloc(void* pointer, std::size_t size);                                  // NOLINT
int __real_posix_memalign(void** pointer, std::size_t alignment, std::size_t size);     // NOLINT
void* __wrap_malloc(std::size_t size) { return ++g_allocations, __real_malloc(size); }  // NOLINT
void* __wrap_calloc(std::size_t count, std::size_t size) {                              // NOLINT
  return ++g_allocations, __real_calloc(count, size);
}
void* __wrap_realloc(void* pointer, std::size_t size) {  // NOLINT
  return ++g_allocations, __real_realloc(pointer, size);
}
int __wrap_posix_memalign(void** pointer, std::size_t alignment, std::size_t size) {  // NOLINT
  return ++g_allocations, __real_posix_memalign(pointer, alignment, size);
}
}

void* operator new(std::size_t size) {
  void* pointer = std::malloc(size);  // counted there
  if (pointer == nullptr) std::abort();
  return pointer;
}
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { std::free(pointer); }

namespace {

using edgewright::ImageView;
using edgewright::Model;
using edgewright::Pack;

constexpr int kFirstFrames = 3;
constexpr int kFrames = 10;

int Fail(const edgewright::Error& error) {
  std::fprintf(stderr, "edge_allocations: error: %s\n", error.message.c_str());
  return 2;
}

// The most that one call allocates.
template <typename Call>
long Count(const Call& call) {
  long most = 0;
  for (int i = 0; i < kFirstFrames + kFrames; ++i) {
    const long before = g_allocations;
    call();
    if (i >= kFirstFrames) most = std::max(most, g_allocations - before);
  }
  return most;
}

int CountFrames(const char* folder) {
  const auto pack = Pack::Open(folder);
  if (!pack.ok()) return Fail(pack.error());
  const auto golden = edgewright::ReadGoldenCase(pack.value(), pack.value().manifest().golden.cases.front());
  if (!golden.ok()) return Fail(golden.error());
  auto loaded = Model::Load(pack.value(), /*num_threads=*/1);
  if (!loaded.ok()) return Fail(loaded.error());
  Model& model = loaded.value();
  const ImageView frame = golden.value().source_bgr.view();

  bool failed = false;
  const long planes = Count([&] { failed |= !model.Planes(frame).ok(); });
  const std::vector<float> input = *model.Planes(frame).value();
  std::vector<edgewright::MapView> maps;
  const long network = Count([&] { failed |= !model.Infer(input, &maps).ok(); });
  edgewright::Prediction prediction;
  const long decode = Count([&] { model.Decode(maps, frame, &prediction); });
  const long predict = Count([&] { failed |= !model.Predict(frame, &prediction).ok(); });
  std::printf("planes %ld, network %ld, decode %ld, predict %ld\n", planes, network, decode, predict);
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: edge_allocations PACK\n");
    return 2;
  }
  return CountFrames(argv[1]);
}
