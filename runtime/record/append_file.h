// Files that one process writes at a time.
#pragma once

#include <filesystem>
#include <string_view>

namespace sterna::record {

// A file that grows by whole lines. It is locked (flock) while it is open.
class AppendFile {
 public:
  // Makes the file, or empties it. Throws ConfigError, with the operating system's reason, or if another
  // process has it open.
  explicit AppendFile(const std::filesystem::path& path);
  //   shown  what errors call it
  AppendFile(const std::filesystem::path& path, const std::filesystem::path& shown);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // Appends `text` whole. Throws ConfigError, with the operating system's reason (a full disk).
  void append(std::string_view text);

  // Writes over the file's first bytes. Throws as append().
  void rewrite_front(std::string_view text);

  // Returns when what was written is on the disk. Throws ConfigError, with the operating system's reason.
  void sync();

 private:
  std::filesystem::path shown_;
  int descriptor_;
};

// Whether a process, this one too, has an AppendFile of that name.
[[nodiscard]] bool is_being_written(const std::filesystem::path& path);

// A file that is there either whole or not at all: `path`.part is opened at once, so that a place that cannot
// be written is known early, and gets its final name when all is on the disk. Without finish(), the
// destructor removes the .part file.
class WholeFile {
 public:
  // Throws ConfigError, as all that follows, with the operating system's reason, or if another process is
  // writing a file of that name.
  explicit WholeFile(std::filesystem::path path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void append(std::string_view text) { file_.append(text); }
  void rewrite_front(std::string_view text) { file_.rewrite_front(text); }

  // Once, after all else; replaces a file of that name.
  void finish();
  [[nodiscard]] bool is_finished() const { return is_finished_; }

 private:
  std::filesystem::path path_;
  AppendFile file_;  // path_.part
  bool is_finished_ = false;
};

// Writes a file that is there either whole or not at all: see WholeFile. Throws ConfigError.
void write_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace sterna::record
