// A plugin for qemu-user (interface version 1, QEMU 4.2 to 8.2): counts the instructions that a program executes and
// writes their number to a file.
//   qemu-aarch64 -cpu cortex-a76 -plugin ./libinstructions.so,out=count.txt PROGRAM
// The prototypes are those of QEMU's documentation of its plugin interface; Debian has no package with the header.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

extern "C" {
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_trans_cb(std::uint64_t id, void (*callback)(std::uint64_t, qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(qemu_plugin_tb* block, qemu_plugin_op op, void* pointer,
                                              std::uint64_t amount);
void qemu_plugin_register_atexit_cb(std::uint64_t id, void (*callback)(std::uint64_t, void*), void* data);
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb* block);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
}

namespace {

std::uint64_t g_count = 0;  // of the one thread there is
char g_path[4096] = "";

void OnTranslation(std::uint64_t, qemu_plugin_tb* block) {
  qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &g_count, qemu_plugin_tb_n_insns(block));
}

void OnExit(std::uint64_t, void*) {
  std::FILE* file = std::fopen(g_path, "w");
  if (file == nullptr) return;
  std::fprintf(file, "%" PRIu64 "\n", g_count);
  std::fclose(file);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int qemu_plugin_install(std::uint64_t id, const void*, int argc,
                                                                          char** argv) {
  if (argc != 1 || std::strncmp(argv[0], "out=", 4) != 0) return 1;
  std::snprintf(g_path, sizeof(g_path), "%s", argv[0] + 4);
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslation);
  qemu_plugin_register_atexit_cb(id, OnExit, nullptr);
  return 0;
}
