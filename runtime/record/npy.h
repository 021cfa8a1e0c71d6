// NumPy's .npy files, read and written: float32 and int64, little-endian, C order.
//
//   file    := 93 "NUMPY" major minor header_bytes header values
//   header_bytes := uint16 (version 1.0) or uint32 (version 2.0), little-endian
//   header  := dictionary spaces newline
//   dictionary := {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   ; or '<i8'
//
// Version 1.0 is written, 1.0 and 2.0 are read. Source: numpy.lib.format, NEP 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/record/append_file.h"

namespace sterna::record {

template <typename T>
struct NpyArray {
  std::vector<std::size_t> shape;  // empty for a single value
  AlignedVector<T> values;         // [shape...]
};

// Reads a whole file. Throws ConfigError if it cannot be read, is no .npy file, holds another type, lies in
// Fortran order, or is shorter or longer than its header says.
[[nodiscard]] NpyArray<float> read_npy_float32(const std::filesystem::path& path);
[[nodiscard]] NpyArray<std::int64_t> read_npy_int64(const std::filesystem::path& path);

enum class NpyType { kFloat32, kInt64 };

// Writes an array record by record, when the number of records is not known before.
//
// Its file is there either whole or not at all: see WholeFile. Throws ConfigError where the file system
// refuses.
class NpyWriter {
 public:
  //   record_shape  extents of one record, all positive; the file's shape is {records, record_shape...}
  NpyWriter(std::filesystem::path path, NpyType type, std::vector<std::size_t> record_shape);

  // Appends one record or several; their type is the file's.
  void append(std::span<const float> records);
  void append(std::span<const std::int64_t> records);

  // Writes the final header and renames. Nothing can be appended afterwards.
  void finish();

 private:
  void append_bytes(std::span<const std::byte> bytes, NpyType type);

  NpyType type_;
  std::vector<std::size_t> record_shape_;
  std::size_t record_bytes_;
  std::size_t records_ = 0;
  WholeFile file_;
};

}  // namespace sterna::record
