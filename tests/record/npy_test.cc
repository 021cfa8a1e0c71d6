#include "runtime/record/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::record {
namespace {

using test::bytes_of;
using test::message_of;
using test::ScratchDirectory;
using testing::HasSubstr;
using namespace std::literals;

// What numpy.save writes: 10 bytes, the dictionary, spaces up to a multiple of 64 less one, a newline.
std::string header(std::string_view dictionary, std::string_view version = "\x01\x00"sv) {
  const std::size_t length_bytes = version[0] == 1 ? 2 : 4;
  const std::size_t prefix_bytes = 6 + 2 + length_bytes;
  const std::size_t whole_bytes = (prefix_bytes + dictionary.size() + 1 + 63) / 64 * 64;
  std::string text(dictionary);
  text.resize(whole_bytes - prefix_bytes - 1, ' ');
  text += '\n';
  std::string bytes("\x93NUMPY"sv);
  bytes += version;
  for (std::size_t i = 0; i < length_bytes; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xFF);
  return bytes + text;
}

// 1.0f and -2.0f are 3f800000 and c0000000.
constexpr std::string_view kTwoFloats = "\x00\x00\x80\x3f\x00\x00\x00\xc0"sv;
constexpr std::string_view kVector = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";

std::string refusal(std::string_view bytes) {
  const ScratchDirectory scratch;
  const auto path = scratch.write("array.npy", bytes);
  const std::string message = message_of<ConfigError>([&] { (void)read_npy_float32(path); });
  EXPECT_THAT(message, HasSubstr("array.npy"));
  EXPECT_EQ(message.find('\n'), std::string::npos);
  return message;
}

TEST(NpyReader, ReadsAVector) {
  const ScratchDirectory scratch;
  const auto array = read_npy_float32(scratch.write("array.npy", header(kVector) + std::string(kTwoFloats)));
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{2}));
  EXPECT_EQ(array.values, (AlignedVector<float>{1.0f, -2.0f}));
}

TEST(NpyReader, ReadsVersion2) {
  const ScratchDirectory scratch;
  const auto array =
      read_npy_float32(scratch.write("array.npy", header(kVector, "\x02\x00"sv) + std::string(kTwoFloats)));
  EXPECT_EQ(array.values, (AlignedVector<float>{1.0f, -2.0f}));
}

TEST(NpyReader, ReadsAMatrixOfInt64) {
  const ScratchDirectory scratch;
  const std::string bytes = header("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }") +
                            std::string("\x05\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff"sv);
  const auto array = read_npy_int64(scratch.write("array.npy", bytes));
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(array.values, (AlignedVector<std::int64_t>{5, -2}));
}

TEST(NpyReader, ReadsASingleValueAndAnEmptyArray) {
  const ScratchDirectory scratch;
  const auto single = read_npy_float32(scratch.write(
      "single.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }") + "\0\0\x80\x3f"s));
  EXPECT_TRUE(single.shape.empty());
  EXPECT_EQ(single.values, (AlignedVector<float>{1.0f}));
  const auto empty = read_npy_float32(
      scratch.write("empty.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }")));
  EXPECT_EQ(empty.shape, (std::vector<std::size_t>{0, 3}));
  EXPECT_TRUE(empty.values.empty());
}

TEST(NpyReader, TakesTheKeysInAnyOrderAndNoTrailingComma) {
  const ScratchDirectory scratch;
  const std::string bytes =
      header("{'shape':(1,2),'fortran_order':False,'descr':'<f4'}") + std::string(kTwoFloats);
  EXPECT_EQ(read_npy_float32(scratch.write("array.npy", bytes)).shape, (std::vector<std::size_t>{1, 2}));
}

TEST(NpyReader, RefusesAMissingFile) {
  EXPECT_THAT(message_of<ConfigError>([] { (void)read_npy_float32("no/such.npy"); }),
              HasSubstr("no/such.npy"));
}

TEST(NpyReader, RefusesADirectory) {
  const ScratchDirectory scratch;
  EXPECT_THROW((void)read_npy_float32(scratch.path()), ConfigError);
}

TEST(NpyReader, RefusesAnEmptyFile) {
  EXPECT_THAT(refusal(""), HasSubstr("no .npy file"));
}

TEST(NpyReader, RefusesAFileOfAnotherKind) {
  EXPECT_THAT(refusal("PK\x03\x04 this is what an .npz file begins with"), HasSubstr("no .npy file"));
}

TEST(NpyReader, RefusesVersion3) {
  EXPECT_THAT(refusal(header(kVector, "\x03\x00"sv) + std::string(kTwoFloats)), HasSubstr("version 3.0"));
}

TEST(NpyReader, RefusesAHeaderCutShort) {
  EXPECT_THAT(refusal(std::string_view(header(kVector)).substr(0, 127)),
              HasSubstr("cut short in its header"));
}

TEST(NpyReader, RefusesAHeaderLengthBeyondTheFile) {
  // Version 2.0 with a header of 2^32 - 1 bytes: refused before any memory is taken for it.
  EXPECT_THAT(refusal("\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'"sv), HasSubstr("cut short in its header"));
}

TEST(NpyReader, RefusesAnotherType) {
  EXPECT_THAT(
      refusal(header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }") + std::string(kTwoFloats)),
      HasSubstr("'<f8'"));
}

TEST(NpyReader, RefusesBigEndianValues) {
  EXPECT_THAT(
      refusal(header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }") + std::string(kTwoFloats)),
      HasSubstr("'>f4'"));
}

TEST(NpyReader, RefusesFortranOrder) {
  EXPECT_THAT(
      refusal(header("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }") + std::string(kTwoFloats)),
      HasSubstr("Fortran order"));
}

TEST(NpyReader, RefusesValuesCutShort) {
  EXPECT_THAT(refusal(header(kVector) + std::string(kTwoFloats.substr(0, 7))),
              HasSubstr("7 bytes of values"));
}

TEST(NpyReader, RefusesMoreValuesThanTheShapeHolds) {
  EXPECT_THAT(refusal(header(kVector) + std::string(kTwoFloats) + "x"), HasSubstr("9 bytes of values"));
}

TEST(NpyReader, RefusesAShapeWhoseProductOverflows) {
  // 2^62 values of 4 bytes are 2^64 bytes, which is 0 in 64 bits, the length of what follows.
  EXPECT_THAT(
      refusal(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648, 2147483648), }")),
      HasSubstr("less than 2^64 bytes"));
}

TEST(NpyReader, RefusesAnExtentOfMoreThan64Bits) {
  // 2^64, one more than fits
  EXPECT_THAT(refusal(header("{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,), }")),
              HasSubstr("more than 64 bits"));
}

class NpyHeader : public testing::TestWithParam<const char*> {};

TEST_P(NpyHeader, IsRefused) {
  EXPECT_THAT(refusal(header(GetParam())), HasSubstr("a header with"));
}

INSTANTIATE_TEST_SUITE_P(
    Malformed, NpyHeader,
    testing::Values("", "{", "{}", "{'descr': '<f4'}", "{'descr'", "{'descr': '<f4",
                    "{'descr' '<f4', 'fortran_order': False, 'shape': (0,), }",
                    "{'descr': '<f4' 'fortran_order': False, 'shape': (0,), }",
                    "{'descr': '<f4', 'fortran_order': 0, 'shape': (0,), }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (0 0), }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': 0, }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), 'shape': (0,), }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), 'more': '', }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), } x"));

TEST(NpyWriter, WritesTheBytesThatNumpyWrites) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "matrix.npy";
  NpyWriter writer(path, NpyType::kFloat32, {2});
  writer.append(std::array{1.0f, -2.0f});
  writer.append(std::array{-2.0f, 1.0f, 1.0f, 1.0f});  // two records at once
  writer.finish();
  // As numpy.save writes numpy.array([[1, -2], [-2, 1], [1, 1]], "<f4"): length 0x76 = 118 = 128 - 10.
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
  const std::string one = "\x00\x00\x80\x3f"s;
  const std::string minus_two = "\x00\x00\x00\xc0"s;
  EXPECT_EQ(bytes_of(path), "\x93NUMPY\x01\x00\x76\x00"s + dictionary +
                                std::string(117 - dictionary.size(), ' ') + "\n" + one + minus_two +
                                minus_two + one + one + one);
}

TEST(NpyWriter, WritesSingleInt64ValuesThatTheReaderReads) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "vector.npy";
  NpyWriter writer(path, NpyType::kInt64, {});
  for (std::int64_t value : {3, -4, 5}) writer.append(std::span(&value, 1));
  writer.finish();
  const auto array = read_npy_int64(path);
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{3}));
  EXPECT_EQ(array.values, (AlignedVector<std::int64_t>{3, -4, 5}));
}

TEST(NpyWriter, WritesAnArrayWithoutRecords) {
  const ScratchDirectory scratch;
  NpyWriter(scratch.path() / "empty.npy", NpyType::kFloat32, {4}).finish();
  EXPECT_EQ(read_npy_float32(scratch.path() / "empty.npy").shape, (std::vector<std::size_t>{0, 4}));
}

TEST(NpyWriter, GivesTheFinalNameOnlyToAFinishedFile) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "vector.npy";
  NpyWriter writer(path, NpyType::kFloat32, {});
  writer.append(std::array{1.0f});
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(path.string() + ".part"));
  writer.finish();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
}

TEST(NpyWriter, LeavesNothingBehindWithoutFinishAndAnEarlierFileAlone) {
  const ScratchDirectory scratch;
  const auto path = scratch.write("vector.npy", "an earlier file");
  {
    NpyWriter writer(path, NpyType::kFloat32, {});
    writer.append(std::array{1.0f});
  }
  EXPECT_EQ(bytes_of(path), "an earlier file");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
}

TEST(NpyWriter, RefusesAPathThatCannotBeWritten) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "no_such_directory" / "vector.npy";
  EXPECT_THAT(message_of<ConfigError>([&] { NpyWriter(path, NpyType::kFloat32, {}); }),
              HasSubstr("vector.npy: cannot make it (No such file or directory)"));
}

TEST(NpyWriter, RefusesAFinalNameThatIsADirectory) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "vector.npy";
  std::filesystem::create_directories(path / "something");
  NpyWriter writer(path, NpyType::kFloat32, {});
  EXPECT_THROW(writer.finish(), ConfigError);
}

TEST(NpyWriter, ChecksTypeLengthAndEnd) {
  const ScratchDirectory scratch;
  NpyWriter writer(scratch.path() / "matrix.npy", NpyType::kFloat32, {2});
  EXPECT_THROW(writer.append(std::array{1.0f, 2.0f, 3.0f}), InternalError);
  EXPECT_THROW(writer.append(std::array<std::int64_t, 2>{1, 2}), InternalError);
  writer.finish();
  EXPECT_THROW(writer.append(std::array{1.0f, 2.0f}), InternalError);
  EXPECT_THROW(writer.finish(), InternalError);
}

}  // namespace
}  // namespace sterna::record
