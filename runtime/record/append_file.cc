#include "runtime/record/append_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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

// Whether `path` still is the file that is open: the one who held it before may have renamed it meanwhile.
bool is_at(const std::filesystem::path& path, int descriptor) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// False if another process has it. File systems without locks let everyone have it.
bool lock(int descriptor) {
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

// Open, locked and empty.
int make_file(const std::filesystem::path& path, const std::filesystem::path& shown) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) fail(shown, "make");
    if (!lock(descriptor)) {
      ::close(descriptor);
      throw ConfigError(cat("[record] ", shown.string(),
                            ": another process is writing it; choose another name, or wait for that one"));
    }
    // What is no regular file (a device, a pipe) has no length to be cut.
    if (is_at(path, descriptor)) {
      if (::ftruncate(descriptor, 0) == 0 || errno == EINVAL) return descriptor;
      ::close(descriptor);
      fail(shown, "empty");
    }
    ::close(descriptor);
  }
}

}  // namespace

AppendFile::AppendFile(const std::filesystem::path& path) : AppendFile(path, path) {}

AppendFile::AppendFile(const std::filesystem::path& path, const std::filesystem::path& shown)
    : shown_(shown), descriptor_(make_file(path, shown)) {}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

void AppendFile::append(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(shown_, "write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendFile::rewrite_front(std::string_view text) {
  if (::lseek(descriptor_, 0, SEEK_SET) < 0) fail(shown_, "write");
  append(text);
  if (::lseek(descriptor_, 0, SEEK_END) < 0) fail(shown_, "write");
}

void AppendFile::sync() {
  if (::fsync(descriptor_) != 0) fail(shown_, "write");
}

bool is_being_written(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_free = lock(descriptor);
  ::close(descriptor);
  return !is_free;
}

WholeFile::WholeFile(std::filesystem::path path) : path_(std::move(path)), file_(part_of(path_), path_) {}

WholeFile::~WholeFile() {
  if (is_finished_) return;
  std::error_code ignored;
  std::filesystem::remove(part_of(path_), ignored);
}

void WholeFile::finish() {
  file_.sync();
  if (::rename(part_of(path_).c_str(), path_.c_str()) != 0) fail(path_, "rename");
  is_finished_ = true;
}

void write_whole(const std::filesystem::path& path, std::string_view text) {
  WholeFile file(path);
  file.append(text);
  file.finish();
}

}  // namespace sterna::record
