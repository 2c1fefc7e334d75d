#include "edgewright/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "edgewright/sha256.h"

namespace edgewright {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }  // NOLINT(cert-err33-c): only read from
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

constexpr std::size_t kBlockBytes = std::size_t{1} << 18;

Result<OpenFile> Open(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return InputError(path.string() + ": no such file");
  if (!std::filesystem::is_regular_file(status)) return InputError(path.string() + ": not a regular file");
  OpenFile file(std::fopen(path.c_str(), "rb"));
  if (!file) return InputError(path.string() + ": " + std::strerror(errno));
  return file;
}

// Calls `use(data, size)` for each block; false from it ends the reading.
template <typename Use>
Status ForEachBlock(const std::filesystem::path& path, const Use& use) {
  Result<OpenFile> file = Open(path);
  if (!file.ok()) return file.error();
  Bytes block(kBlockBytes);
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), file.value().get())) {
    if (!use(block.data(), size)) return Done{};
  }
  if (std::ferror(file.value().get()) != 0) return InputError(path.string() + ": cannot be read");
  return Done{};
}

}  // namespace

Result<Bytes> ReadFile(const std::filesystem::path& path, std::uint64_t max_bytes) {
  Bytes bytes;
  const Status read = ForEachBlock(path, [&](const std::uint8_t* data, std::size_t size) {
    bytes.insert(bytes.end(), data, data + size);
    return bytes.size() <= max_bytes;
  });
  if (!read.ok()) return read.error();
  if (bytes.size() > max_bytes) {
    return InputError(path.string() + ": larger than the " + std::to_string(max_bytes) + " bytes it may have");
  }
  return bytes;
}

Result<std::string> DigestFile(const std::filesystem::path& path) {
  Sha256 digest;
  const Status read = ForEachBlock(path, [&](const std::uint8_t* data, std::size_t size) {
    digest.Update(data, size);
    return true;
  });
  if (!read.ok()) return read.error();
  return digest.HexDigest();
}

}  // namespace edgewright
