#include "edgewright/pack.h"

#include <algorithm>
#include <set>
#include <utility>

#include "edgewright/sha256.h"

namespace edgewright {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kSidecar = "manifest.json.sha256";
constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{4} << 20;

std::string Digest(const Bytes& bytes) {
  Sha256 digest;
  digest.Update(bytes.data(), bytes.size());
  return digest.HexDigest();
}

Status CheckSidecar(const fs::path& folder, const std::string& digest) {
  std::error_code error;
  const fs::path sidecar = folder / kSidecar;
  if (!fs::is_regular_file(fs::symlink_status(sidecar, error))) {
    return CheckError(folder.string() + ": " + kSidecar + " is missing");
  }
  const std::string expected = digest + "  " + kManifest + "\n";
  const Result<Bytes> found = ReadFile(sidecar, expected.size());
  if (!found.ok() || std::string(found.value().begin(), found.value().end()) != expected) {
    return CheckError((folder / kManifest).string() + ": its SHA-256 is not the one in " + kSidecar);
  }
  return Done{};
}

// Every file under `folder` by its path in it, forward slashes; an error for anything but files and folders.
Result<std::set<std::string>> ListFiles(const fs::path& folder) {
  std::set<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::file_type type = entry->symlink_status(error).type();
    if (error) break;
    if (type == fs::file_type::symlink) return CheckError(entry->path().string() + ": a pack holds no links");
    if (type == fs::file_type::directory) continue;
    if (type != fs::file_type::regular) return CheckError(entry->path().string() + ": not a regular file");
    paths.insert(entry->path().lexically_relative(folder).generic_string());
  }
  if (error) return InputError(folder.string() + ": " + error.message());
  return paths;
}

}  // namespace

Pack::Pack(fs::path folder, Manifest manifest, std::string manifest_sha256)
    : folder_(std::move(folder)), manifest_(std::move(manifest)), manifest_sha256_(std::move(manifest_sha256)) {}

Result<Pack> Pack::Open(const fs::path& folder) {
  std::error_code error;
  const fs::path file = folder / kManifest;
  if (!fs::is_regular_file(fs::symlink_status(file, error))) {
    return InputError(folder.string() + ": not a pack: it has no " + kManifest);
  }
  const Result<Bytes> text = ReadFile(file, kMaxManifestBytes);
  if (!text.ok()) return text.error();
  std::string digest = Digest(text.value());
  if (const Status sidecar = CheckSidecar(folder, digest); !sidecar.ok()) return sidecar.error();

  Result<Manifest> manifest = ParseManifest({reinterpret_cast<const char*>(text.value().data()), text.value().size()});
  if (!manifest.ok()) return Error{manifest.error().kind, file.string() + ": " + manifest.error().message};
  Pack pack(folder, std::move(manifest.value()), std::move(digest));
  if (const Status files = pack.CheckFiles(); !files.ok()) return files.error();
  return pack;
}

Status Pack::CheckFiles() const {
  Result<std::set<std::string>> listing = ListFiles(folder_);
  if (!listing.ok()) return listing.error();
  std::set<std::string>& found = listing.value();
  found.erase(kManifest);
  found.erase(kSidecar);
  for (const FileEntry& entry : manifest_.files) {
    if (found.erase(entry.path) == 0) return CheckError(folder_.string() + ": " + entry.path + " is missing");
  }
  if (!found.empty()) return CheckError(folder_.string() + ": " + *found.begin() + " is not in the manifest");

  for (const FileEntry& entry : manifest_.files) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder_ / entry.path, error);
    if (error || size != entry.size_bytes) {
      return CheckError(folder_.string() + ": " + entry.path + " has " + std::to_string(size) +
                        " bytes, the manifest says " + std::to_string(entry.size_bytes));
    }
    const Result<std::string> digest = DigestFile(folder_ / entry.path);
    if (!digest.ok()) return digest.error();
    if (digest.value() != entry.sha256) {
      return CheckError(folder_.string() + ": " + entry.path + ": its SHA-256 is not the one in the manifest");
    }
  }
  return Done{};
}

Result<Bytes> Pack::Read(const std::string& path) const {
  const auto is_it = [&](const FileEntry& entry) { return entry.path == path; };
  const auto entry = std::find_if(manifest_.files.begin(), manifest_.files.end(), is_it);
  if (entry == manifest_.files.end()) return InputError(folder_.string() + ": " + path + " is not in the manifest");
  Result<Bytes> bytes = ReadFile(folder_ / path, entry->size_bytes);
  if (bytes.ok() && Digest(bytes.value()) != entry->sha256) {
    return CheckError(folder_.string() + ": " + path + ": its SHA-256 is not the one in the manifest");
  }
  return bytes;
}

}  // namespace edgewright
