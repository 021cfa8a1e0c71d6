#include "runtime/record/log_files.h"

#include <algorithm>
#include <fstream>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

using nlohmann::json;

std::ifstream open(const LogReader& reader, const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file || !std::filesystem::is_regular_file(path)) {
    throw ConfigError(cat("[", reader.part, "] ", path.parent_path().string(), ": cannot read ",
                          path.filename().string(), " there; must be written by `", reader.writer, "`"));
  }
  return file;
}

}  // namespace

void LogReader::guard(const std::string& where, const std::function<void()>& read) const {
  try {
    read();
  } catch (const json::exception& error) {
    std::string what = error.what();
    std::ranges::replace(what, '\n', ' ');
    throw ConfigError(cat("[", part, "] ", where, ": is not what `", writer, "` writes (", what,
                          "); if it was edited or cut short, take it as it was, or another run"));
  }
}

json LogReader::read_json(const std::filesystem::path& path) const {
  std::ifstream file = open(*this, path);
  json value;
  guard(path.string(), [&] { value = json::parse(file); });
  return value;
}

bool LogReader::for_each_row(const std::filesystem::path& path, bool may_be_cut,
                             const std::function<void(const json&)>& take) const {
  std::ifstream file = open(*this, path);
  std::string text;
  for (std::size_t line = 1; std::getline(file, text); ++line) {
    const bool has_end = !file.eof();
    if (may_be_cut && !has_end && !json::accept(text)) return true;
    guard(cat(path.string(), ", line ", line), [&] { take(json::parse(text)); });
  }
  return false;
}

}  // namespace sterna::record
