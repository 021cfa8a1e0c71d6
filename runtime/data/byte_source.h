// A data file's bytes in order, whether the file is plain or compressed with gzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sterna::data {

// Throws the ConfigError of a data file that is not as it must be, on one line:
// [data] PATH = what was found: what is legal; what to try.
[[noreturn]] void refuse_file(const std::filesystem::path& path, const std::string& found,
                              const std::string& legal);

class ByteSource {
 public:
  // Throws ConfigError if the file cannot be opened, or is named .gz and is not gzip.
  explicit ByteSource(const std::filesystem::path& path);

  // Fills `bytes` from the front and returns how many there were; fewer only at the end of the file. Throws
  // ConfigError if the file cannot be read, or its gzip data are damaged or cut short.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> bytes);

 private:
  struct Close {
    void operator()(void* file) const noexcept;
  };

  void refuse_damage();

  std::filesystem::path path_;
  std::unique_ptr<void, Close> file_;  // zlib's gzFile; zlib passes the bytes of a plain file through
};

// Returns `directory`/`name` or, where there is no such file, `directory`/`name`.gz. Throws ConfigError if
// there is neither.
[[nodiscard]] std::filesystem::path find_file(const std::filesystem::path& directory, std::string_view name);

// Returns all bytes of a file. Throws as ByteSource does.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

// Throws ConfigError if --data-dir is not given: a data set that needs one says what must be in it.
void require_directory(const std::filesystem::path& directory, std::string_view data_set,
                       std::string_view contents);

}  // namespace sterna::data
