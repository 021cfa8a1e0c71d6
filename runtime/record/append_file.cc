#include "runtime/record/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what) {
  const std::string reason = std::strerror(errno);
  throw ConfigError(cat("[record] ", path.string(), ": cannot ", what, " it (", reason,
                        "); choose a place that can be written, with room left"));
}

std::filesystem::path part_of(std::filesystem::path path) {
  path += ".part";
  return path;
}

}  // namespace

AppendFile::AppendFile(const std::filesystem::path& path)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail(path_, "make");
}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

void AppendFile::append(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendFile::sync() {
  if (::fsync(descriptor_) != 0) fail(path_, "write");
}

WholeFile::WholeFile(std::filesystem::path path) : path_(std::move(path)), file_(part_of(path_)) {}

WholeFile::~WholeFile() {
  if (is_finished_) return;
  std::error_code ignored;
  std::filesystem::remove(part_of(path_), ignored);
}

void WholeFile::finish() {
  file_.sync();
  rename_whole(part_of(path_), path_);
  is_finished_ = true;
}

void rename_whole(const std::filesystem::path& part, const std::filesystem::path& path) {
  if (::rename(part.c_str(), path.c_str()) != 0) fail(path, "rename");
}

void write_whole(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path part = part_of(path);
  AppendFile(part).append(text);
  rename_whole(part, path);
}

}  // namespace sterna::record
