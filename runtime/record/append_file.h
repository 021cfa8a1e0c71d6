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

// Gives a file its final name, whatever had that name before. Throws ConfigError.
void rename_whole(const std::filesystem::path& part, const std::filesystem::path& path);

// Writes a file that is there either whole or not at all: under another name first, then renamed. Throws
// ConfigError.
void write_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace sterna::record
