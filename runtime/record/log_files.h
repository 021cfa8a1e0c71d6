// Reading what LogDirectory writes, and other JSON files of this program.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sterna::record {

// Who reads, who must have written, and what to do about what is wrong: words of messages, such as "project"
// and "sterna train".
struct LogReader {
  std::string_view part;
  std::string_view writer;
  std::string_view remedy = "if it was edited or cut short, take it as it was, or another run";

  // Calls `read`. Throws ConfigError, which names `where`, if the JSON library finds something wrong: it is
  // not JSON, a key is missing, or a value is of another type.
  void guard(const std::string& where, const std::function<void()>& read) const;

  // A file that holds one JSON value. Throws ConfigError, which names file and line.
  [[nodiscard]] nlohmann::json read_json(const std::filesystem::path& path) const;

  // Calls `take` for every line of a file of JSON lines, within guard(). Throws ConfigError.
  //   may_be_cut  a last line without its end, as of a run that is under way, is passed over
  // Returns whether a line was passed over.
  bool for_each_row(const std::filesystem::path& path, bool may_be_cut,
                    const std::function<void(const nlohmann::json&)>& take) const;
};

}  // namespace sterna::record
