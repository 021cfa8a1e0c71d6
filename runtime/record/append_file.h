// A file that grows by whole lines.
#pragma once

#include <filesystem>
#include <string_view>

namespace sterna::record {

class AppendFile {
 public:
  // Makes the file, or empties it. Throws ConfigError, with the operating system's reason.
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // Appends `text` whole. Throws ConfigError, with the operating system's reason (a full disk).
  void append(std::string_view text);

  // Returns when what was appended is on the disk. Throws ConfigError, with the operating system's reason.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

// A file that is there either whole or not at all: `path`.part is opened at once, so that a place that cannot
// be written is known early, and gets its final name when all is on the disk. Without finish(), the
// destructor removes the .part file.
class WholeFile {
 public:
  // Throws ConfigError, as all that follows, with the operating system's reason.
  explicit WholeFile(std::filesystem::path path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void append(std::string_view text) { file_.append(text); }

  // Once, after all of append(); replaces a file of that name.
  void finish();
  [[nodiscard]] bool is_finished() const { return is_finished_; }

 private:
  std::filesystem::path path_;
  AppendFile file_;  // path_.part
  bool is_finished_ = false;
};

// Gives a file its final name, whatever had that name before. Throws ConfigError.
void rename_whole(const std::filesystem::path& part, const std::filesystem::path& path);

// Writes a file that is there either whole or not at all: under another name first, then renamed. Throws
// ConfigError.
void write_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace sterna::record
