#include "child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace edgebench {
namespace {

using edgewright::CheckError;
using edgewright::Error;
using edgewright::ErrorKind;
using edgewright::InputError;
using edgewright::Result;

// The first byte of a reply.
constexpr char kValue = 'v';
constexpr char kInputError = 'i';
constexpr char kCheckError = 'c';

void WriteAll(int descriptor, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(descriptor, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the parent is gone
    written += static_cast<std::size_t>(count);
  }
}

std::string ReadAll(int descriptor) {
  std::string text;
  std::array<char, 65536> block;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  for (;;) {
    const ssize_t count = read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
}

std::string Reply(const std::function<Result<std::string>()>& call) {
  const Result<std::string> result = call();
  if (result.ok()) return kValue + result.value();
  return (result.error().kind == ErrorKind::kInput ? kInputError : kCheckError) + result.error().message;
}

Result<std::string> Parse(const std::string& reply, int status) {
  if (WIFSIGNALED(status)) return CheckError("the measurement was ended by signal " + std::to_string(WTERMSIG(status)));
  if (reply.empty()) return CheckError("the measurement ended without a result");
  if (reply.front() == kValue) return reply.substr(1);
  return Error{reply.front() == kInputError ? ErrorKind::kInput : ErrorKind::kCheck, reply.substr(1)};
}

}  // namespace

Result<std::string> RunInChild(const std::function<Result<std::string>()>& call) {
  int ends[2];
  if (pipe(ends) != 0) return InputError(std::string("cannot start a process: ") + std::strerror(errno));
  std::fflush(nullptr);  // else both processes write what is in the buffers
  const pid_t child = fork();
  if (child < 0) {
    const std::string reason = std::strerror(errno);
    close(ends[0]);
    close(ends[1]);
    return InputError("cannot start a process: " + reason);
  }
  if (child == 0) {
    close(ends[0]);
    WriteAll(ends[1], Reply(call));
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  const std::string reply = ReadAll(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return Parse(reply, status);
}

}  // namespace edgebench
