#include "runtime/record/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

using nlohmann::json;

constexpr std::string_view kMetadata = "__metadata__";

struct ValueType {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array kTypes = {
    ValueType{"BOOL", 1},    ValueType{"U8", 1},  ValueType{"I8", 1},  ValueType{"F8_E5M2", 1},
    ValueType{"F8_E4M3", 1}, ValueType{"I16", 2}, ValueType{"U16", 2}, ValueType{"F16", 2},
    ValueType{"BF16", 2},    ValueType{"I32", 4}, ValueType{"U32", 4}, ValueType{"F32", 4},
    ValueType{"F64", 8},     ValueType{"I64", 8}, ValueType{"U64", 8}, ValueType{"C64", 8}};

// The values of a header lie in an object, that of a tensor, and an array.
constexpr int kDeepest = 3;

// As JSON has it, so that a line break in a name breaks no message; a name of any length is shown in part.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMostShown = 100;
  const std::string_view cut = text.size() > kMostShown ? "..." : "";
  return json(cat(text.substr(0, kMostShown), cut))
      .dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

// Parses JSON, and refuses what a JSON library lets pass: keys given twice, and nesting that only eats
// memory.
class StrictJson {
 public:
  explicit StrictJson(const std::filesystem::path& path) : path_(path) {}

  json parse(std::string_view text) {
    try {
      return json::parse(text, [this](int depth, json::parse_event_t event, json& parsed) {
        look_at(depth, event, parsed);
        return true;
      });
    } catch (const json::exception&) {
      refuse_safetensors(path_, "", "a header that is not JSON", "must be one JSON object");
    }
  }

 private:
  void look_at(int depth, json::parse_event_t event, const json& parsed) {
    if (depth > kDeepest) {
      refuse_safetensors(path_, "", "a header nested deeper than the format",
                         "must be one object of tensors");
    }
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end) keys_.pop_back();
    if (event != json::parse_event_t::key) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!keys_.back().insert(key).second) {
      refuse_safetensors(path_, "", cat("the key ", quoted(key), " twice"), "must have each key once");
    }
  }

  const std::filesystem::path& path_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

// One tensor's object, member by member.
class EntryParser {
 public:
  EntryParser(const std::filesystem::path& path, const std::string& name) : path_(path), name_(name) {}

  SafetensorsEntry parse(const json& tensor) const {
    if (!tensor.is_object()) refuse("no object", "must be an object of dtype, shape and data_offsets");
    for (const auto& [key, value] : tensor.items()) {
      if (key == "dtype" || key == "shape" || key == "data_offsets") continue;
      refuse(cat("the key ", quoted(key)), "must have dtype, shape and data_offsets alone");
    }
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!tensor.contains(key)) refuse(cat("no \"", key, "\""), "must have dtype, shape and data_offsets");
    }
    const json& type = tensor["dtype"];
    if (!type.is_string()) refuse("a dtype that is no text", "must be text such as \"F32\"");
    SafetensorsEntry entry{.name = name_, .type = type.get<std::string>(), .shape = {}, .begin = 0, .end = 0};
    for (std::uint64_t extent : numbers(tensor["shape"], "shape")) entry.shape.push_back(extent);
    const std::vector<std::uint64_t> offsets = numbers(tensor["data_offsets"], "data_offsets");
    if (offsets.size() != 2) refuse(cat(offsets.size(), " data_offsets"), "must have two, begin and end");
    entry.begin = offsets[0];
    entry.end = offsets[1];
    check_bytes(entry);
    return entry;
  }

 private:
  [[noreturn]] void refuse(const std::string& found, const std::string& legal) const {
    refuse_safetensors(path_, name_, found, legal);
  }

  std::vector<std::uint64_t> numbers(const json& values, const char* key) const {
    if (!values.is_array()) refuse(cat(key, " that is no list"), "must be a list of numbers");
    std::vector<std::uint64_t> read;
    for (const json& value : values) {
      // Negative numbers, fractions and what exceeds 64 bits have other types.
      if (!value.is_number_unsigned())
        refuse(cat(key, " with ", quoted(value.dump())), "must be integers in [0, 2^64)");
      read.push_back(value.get<std::uint64_t>());
    }
    return read;
  }

  void check_bytes(const SafetensorsEntry& entry) const {
    const auto* type = std::ranges::find(kTypes, std::string_view(entry.type), &ValueType::name);
    if (type == kTypes.end())
      refuse(cat("dtype ", quoted(entry.type)), "must be a type of the format, such as F32");
    std::uint64_t bytes = type->bytes;
    for (std::uint64_t extent : entry.shape) {
      if (extent != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / extent) {
        refuse(cat("shape ", joined(entry.shape, " x ")), "must hold less than 2^64 bytes");
      }
      bytes *= extent;
    }
    if (entry.begin > entry.end) {
      refuse(cat("data_offsets ", entry.begin, ", ", entry.end), "must not end before they begin");
    }
    if (entry.end - entry.begin != bytes) {
      refuse(cat(entry.end - entry.begin, " bytes of values"),
             cat("shape (", joined(entry.shape, ", "), ") of ", entry.type, " takes ", bytes));
    }
  }

  const std::filesystem::path& path_;
  const std::string& name_;
};

SafetensorsMetadata parse_metadata(const std::filesystem::path& path, const json& object) {
  if (!object.is_object()) refuse_safetensors(path, kMetadata, "no object", "must be an object of texts");
  SafetensorsMetadata metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string())
      refuse_safetensors(path, kMetadata, cat("no text under ", quoted(key)), "must be texts");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

// Sorts the entries by place, and checks that they fill the values one after the other.
void check_places(const std::filesystem::path& path, std::uint64_t value_bytes,
                  std::vector<SafetensorsEntry>& entries) {
  // The name decides between tensors without values, which share a place.
  std::ranges::sort(entries, {}, [](const SafetensorsEntry& e) { return std::tie(e.begin, e.end, e.name); });
  std::uint64_t filled = 0;
  for (const SafetensorsEntry& entry : entries) {
    const std::string offsets = cat("data_offsets ", entry.begin, ", ", entry.end);
    if (entry.end > value_bytes) {
      refuse_safetensors(path, entry.name, offsets,
                         cat("the file has ", value_bytes, " bytes of values; is it whole?"));
    }
    if (entry.begin != filled) {
      refuse_safetensors(path, entry.name, offsets,
                         cat(entry.begin < filled ? "overlap the tensor before" : "leave a gap",
                             "; must begin at ", filled, ", where the tensor before ends"));
    }
    filled = entry.end;
  }
  if (filled != value_bytes) {
    refuse_safetensors(path, "", cat(value_bytes - filled, " bytes behind the last tensor"),
                       "must have none");
  }
}

}  // namespace

void refuse_safetensors(const std::filesystem::path& path, std::string_view tensor, const std::string& found,
                        const std::string& legal) {
  const std::string which = tensor.empty() ? std::string() : cat(", tensor ", quoted(tensor));
  throw ConfigError(cat("[record] ", path.string(), which, " = ", found, ": ", legal,
                        "; write it with safetensors.torch.save_file(model.state_dict(), path)"));
}

SafetensorsHeader parse_safetensors_header(const std::filesystem::path& path, std::string_view text,
                                           std::uint64_t value_bytes) {
  if (!text.starts_with('{')) {
    refuse_safetensors(path, "", "a header without an object",
                       "must be a .safetensors file, with a JSON object");
  }
  const json object = StrictJson(path).parse(text);
  SafetensorsHeader header;
  for (const auto& [name, value] : object.items()) {
    if (name == kMetadata) {
      header.metadata = parse_metadata(path, value);
    } else {
      header.entries.push_back(EntryParser(path, name).parse(value));
    }
  }
  check_places(path, value_bytes, header.entries);
  return header;
}

std::string safetensors_header_of(std::span<const SafetensorsTensor> tensors,
                                  const SafetensorsMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  std::uint64_t begin = 0;
  for (const SafetensorsTensor& tensor : tensors) {
    STERNA_CHECK(tensor.name != kMetadata);
    STERNA_CHECK(header.contains(tensor.name) == false);
    const std::uint64_t end = begin + tensor.values.size_bytes();
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  STERNA_CHECK(text.size() <= kMostSafetensorsHeaderBytes);
  std::string length;
  for (int byte = 0; byte < 8; ++byte) length += static_cast<char>(text.size() >> 8 * byte & 0xFF);
  return length + text;
}

}  // namespace sterna::record
