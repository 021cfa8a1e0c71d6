// Weights that travel: Safetensors files, read and written.
//
//   file         := header_bytes header values
//   header_bytes := uint64, little-endian; at most 100,000,000
//   header       := JSON object, spaces allowed behind it
//                   {"__metadata__": {KEY: "TEXT"...},
//                    NAME: {"dtype": "F32", "shape": [3, 4], "data_offsets": [BEGIN, END]}...}
//   values       := those of the tensors, little-endian, C order; offsets count from the first byte of
//   values,
//                   and the tensors fill them without gap or overlap
//
// Source: https://huggingface.co/docs/safetensors, "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/record/append_file.h"

namespace sterna::record {

using SafetensorsMetadata = std::map<std::string, std::string>;

// What a file's header says of one tensor.
struct SafetensorsEntry {
  std::string name;
  std::string type;                // "F32", "BF16", "I64", ...
  std::vector<std::size_t> shape;  // empty for a single value
  std::uint64_t begin = 0;         // of its values in the file, bytes from the file's first one
  std::uint64_t end = 0;
};

// An open file whose header has been found whole and consistent; values are read when they are asked for, so
// that a file needs no more memory than what is taken from it.
class SafetensorsReader {
 public:
  // Throws ConfigError, with the file and where there is one the tensor, for whatever the grammar above does
  // not allow: a header longer than the file, a key given twice, offsets that leave a gap, bytes behind the
  // last tensor, a type that the format does not have.
  explicit SafetensorsReader(const std::filesystem::path& path);

  [[nodiscard]] const SafetensorsMetadata& metadata() const { return metadata_; }

  // All tensors, in the order in which their values lie in the file.
  [[nodiscard]] std::span<const SafetensorsEntry> entries() const { return entries_; }

  // Returns nullptr where there is no such tensor.
  [[nodiscard]] const SafetensorsEntry* find(std::string_view name) const;

  // Reads the values of one of entries(), exact: F32 as they are, F16 and BF16 widened.
  //   values  [product of entry.shape]
  // Throws ConfigError for other types, and where the file has become shorter since it was opened.
  void read_float32(const SafetensorsEntry& entry, std::span<float> values);

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  SafetensorsMetadata metadata_;
  std::vector<SafetensorsEntry> entries_;
};

// A tensor to be written.
struct SafetensorsTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::span<const float> values;  // [product of shape]
};

// Its file is there either whole or not at all: see WholeFile.
class SafetensorsWriter {
 public:
  // Throws ConfigError where the file system refuses, or `path` is a directory.
  explicit SafetensorsWriter(std::filesystem::path path);

  // Writes everything, once, as F32; the bytes are on the disk before the file has its name. As in the
  // format's own library, tensors lie in the order of their names, and spaces fill the header to a multiple
  // of 8 bytes. Throws ConfigError where the file system refuses.
  //   tensors  names differ, and none is "__metadata__"
  void write(std::vector<SafetensorsTensor> tensors, const SafetensorsMetadata& metadata);

 private:
  WholeFile file_;
};

}  // namespace sterna::record
