#include "runtime/record/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::record {
namespace {

using test::bytes_of;
using test::ScratchDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::filesystem::path kGolden = STERNA_GOLDEN_DIR "/safetensors";

std::vector<float> values_of(SafetensorsReader& reader, std::string_view name) {
  const SafetensorsEntry* entry = reader.find(name);
  if (entry == nullptr) {
    ADD_FAILURE() << "no tensor " << name;
    return {};
  }
  std::size_t elements = 1;
  for (std::size_t extent : entry->shape) elements *= extent;
  std::vector<float> values(elements);
  reader.read_float32(*entry, values);
  return values;
}

std::vector<std::string> names_of(const SafetensorsReader& reader) {
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : reader.entries()) names.push_back(entry.name);
  return names;
}

// tests/golden/safetensors_files.py has these values.
const std::vector<float> kBias = {1e-40f, -0.0f, std::numeric_limits<float>::max()};
const std::vector<float> kWeight = {-1.0f, -0.75f, -0.5f, -0.25f, 0.0f, 0.25f};
const std::vector<float> kScale = {0.1f};

TEST(SafetensorsReader, ReadsWhatTheFormatsOwnLibraryWrote) {
  SafetensorsReader reader(kGolden / "float32.safetensors");
  EXPECT_THAT(reader.metadata(), ElementsAre(testing::Pair("format", "pt")));
  EXPECT_THAT(names_of(reader), ElementsAre("conv1.bias", "empty", "fc.weight", "scale"));
  EXPECT_EQ(reader.find("fc.weight")->shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(reader.find("empty")->shape, (std::vector<std::size_t>{0, 4}));
  EXPECT_TRUE(reader.find("scale")->shape.empty());
  EXPECT_EQ(values_of(reader, "conv1.bias"), kBias);
  EXPECT_TRUE(std::signbit(values_of(reader, "conv1.bias")[1]));
  EXPECT_EQ(values_of(reader, "fc.weight"), kWeight);
  EXPECT_EQ(values_of(reader, "scale"), kScale);
  EXPECT_TRUE(values_of(reader, "empty").empty());
  EXPECT_EQ(reader.find("fc.bias"), nullptr);
}

TEST(SafetensorsReader, WidensHalfPrecisionAndRefusesIntegers) {
  SafetensorsReader reader(kGolden / "mixed.safetensors");
  const std::vector<float> values = {0.0f, 1.0f, -2.5f, 0.333251953125f, 65504.0f, -6.103515625e-05f};
  EXPECT_EQ(values_of(reader, "single"), values);
  EXPECT_EQ(values_of(reader, "half"), values);
  // 8 bits of fraction: 0.33325 is 1.333 / 4, and 1.333 lies between 170 / 128 and 171 / 128, nearer to the
  // latter; 65504 is 1.9995 * 2^15, which rounds to 2^16.
  EXPECT_EQ(values_of(reader, "brain"),
            (std::vector<float>{0.0f, 1.0f, -2.5f, 171.0f / 512.0f, 65536.0f, -6.103515625e-05f}));
  EXPECT_THAT(
      [&] { (void)values_of(reader, "bn.num_batches_tracked"); },
      ThrowsMessage<ConfigError>(AllOf(HasSubstr("mixed.safetensors, tensor \"bn.num_batches_tracked\""),
                                       HasSubstr("I64"), HasSubstr("F32, F16 or BF16"))));
}

// A file of more values than one piece of the conversion.
TEST(SafetensorsReader, WidensEveryValueOfALongTensor) {
  constexpr std::size_t kElements = (1u << 17) + 5;
  std::string bytes;
  for (std::size_t i = 0; i < kElements; ++i)
    bytes += {static_cast<char>(i & 0x7F), 0x3C};  // 1 + i % 128 / 1024
  std::string header =
      cat(R"({"a":{"dtype":"F16","shape":[)", kElements, R"(],"data_offsets":[0,)", 2 * kElements, "]}}");
  const std::string length = {static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  const ScratchDirectory directory;
  SafetensorsReader reader(directory.write("long", length + header + bytes));
  const std::vector<float> values = values_of(reader, "a");
  for (std::size_t i = 0; i < kElements; ++i) {
    ASSERT_EQ(values[i], 1.0f + static_cast<float>(i % 128) / 1024.0f) << i;
  }
}

std::vector<SafetensorsTensor> golden_tensors() {
  return {{.name = "fc.weight", .shape = {2, 3}, .values = kWeight},
          {.name = "scale", .shape = {}, .values = kScale},
          {.name = "empty", .shape = {0, 4}, .values = {}},
          {.name = "conv1.bias", .shape = {3}, .values = kBias}};
}

TEST(SafetensorsWriter, WritesTheBytesOfTheFormatsOwnLibrary) {
  const ScratchDirectory directory;
  SafetensorsWriter writer(directory.path() / "out");
  writer.write(golden_tensors(), {{"format", "pt"}});
  EXPECT_EQ(bytes_of(directory.path() / "out"), bytes_of(kGolden / "float32.safetensors"));
}

TEST(SafetensorsWriter, IsReadBack) {
  const ScratchDirectory directory;
  const std::vector<float> odd = {std::numeric_limits<float>::infinity(), 1.0f};
  SafetensorsWriter(directory.path() / "out")
      .write({{.name = "z \"quoted\" \xC3\xA9", .shape = {2, 1}, .values = odd}}, {{"a", "1"}, {"b", ""}});
  SafetensorsReader reader(directory.path() / "out");
  EXPECT_THAT(reader.metadata(), ElementsAre(testing::Pair("a", "1"), testing::Pair("b", "")));
  EXPECT_EQ(values_of(reader, "z \"quoted\" \xC3\xA9"), odd);
  // Values begin on a multiple of 8 bytes, as a program that maps the file wants them.
  EXPECT_EQ(reader.entries().front().begin % 8, 0u);
}

TEST(SafetensorsWriter, OfNothingIsAnEmptyFileOfTheFormat) {
  const ScratchDirectory directory;
  SafetensorsWriter(directory.path() / "out").write({}, {});
  EXPECT_TRUE(SafetensorsReader(directory.path() / "out").entries().empty());
}

TEST(SafetensorsWriter, LeavesTheFileThatIsThereUntilItHasWritten) {
  const ScratchDirectory directory;
  const auto path = directory.write("out", "before");
  { const SafetensorsWriter writer(path); }
  EXPECT_EQ(bytes_of(path), "before");
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "out.part"));
  SafetensorsWriter(path).write(golden_tensors(), {});
  EXPECT_EQ(SafetensorsReader(path).entries().size(), 4u);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "out.part"));
}

TEST(SafetensorsWriter, SaysAtOnceWhereItCannotWrite) {
  const ScratchDirectory directory;
  EXPECT_THAT([&] { SafetensorsWriter(directory.path() / "none" / "out"); },
              ThrowsMessage<ConfigError>(HasSubstr("No such file or directory")));
  EXPECT_THAT([&] { SafetensorsWriter(directory.path()); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("a directory"), HasSubstr("weights.safetensors"))));
}

// A file of such a header and values, and what is said when it is opened.
std::string refusal(const std::string& header, const std::string& values = "") {
  const ScratchDirectory directory;
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 0xFF);
  const auto path = directory.write("bad.safetensors", length + header + values);
  const std::string message = test::message_of<ConfigError>([&] { SafetensorsReader{path}; });
  EXPECT_THAT(message, HasSubstr("bad.safetensors"));
  EXPECT_THAT(message, testing::Not(HasSubstr("\n")));
  return message;
}

// The header of one tensor, "w".
std::string header_of(const std::string& type, const std::string& shape, const std::string& offsets) {
  return cat(R"({"w":{"dtype":")", type, R"(","shape":[)", shape, R"(],"data_offsets":[)", offsets, "]}}");
}

std::string refused_bytes(const std::string& bytes) {
  const ScratchDirectory directory;
  const auto path = directory.write("bad.safetensors", bytes);
  return test::message_of<ConfigError>([&] { SafetensorsReader{path}; });
}

TEST(SafetensorsRefusals, OfNoFile) {
  EXPECT_THAT([] { SafetensorsReader("/nonesuch/file"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("/nonesuch/file"), HasSubstr("No such file"))));
}

TEST(SafetensorsRefusals, OfADirectory) {
  const ScratchDirectory directory;
  EXPECT_THAT([&] { SafetensorsReader(directory.path()); },
              ThrowsMessage<ConfigError>(HasSubstr("Is a directory")));
}

TEST(SafetensorsRefusals, OfAFileShorterThanItsLength) {
  EXPECT_THAT(refused_bytes(""), HasSubstr("0 bytes"));
  EXPECT_THAT(refused_bytes(std::string(7, '\0')), HasSubstr("7 bytes"));
}

TEST(SafetensorsRefusals, OfAHeaderLongerThanTheFile) {
  EXPECT_THAT(refused_bytes(std::string("\x03\0\0\0\0\0\0\0{}", 10)), HasSubstr("a header of 3 bytes"));
  EXPECT_THAT(refused_bytes(std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10)),
              HasSubstr("a header of 18446744073709551615 bytes"));
}

// The file has that many bytes, none of which is on the disk.
TEST(SafetensorsRefusals, OfAHeaderOfMoreThanAHundredMegabytes) {
  const ScratchDirectory directory;
  // 100,000,001 = 0x05F5E101
  const auto path = directory.write("bad.safetensors", std::string("\x01\xE1\xF5\x05\0\0\0\0{", 9));
  std::filesystem::resize_file(path, 200'000'000);
  EXPECT_THAT([&] { SafetensorsReader{path}; },
              ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("a header of 100000001 bytes"), HasSubstr("at most 100000000"))));
}

TEST(SafetensorsRefusals, OfAHeaderThatIsNoObject) {
  EXPECT_THAT(refusal(""), HasSubstr("without an object"));
  EXPECT_THAT(refusal("[]"), HasSubstr("without an object"));
  EXPECT_THAT(refusal(" {}"), HasSubstr("without an object"));  // the format has the brace first
}

TEST(SafetensorsRefusals, OfAHeaderThatIsNoJson) {
  EXPECT_THAT(refusal("{"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("{}}"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("{\"a\":NaN}"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("{\"\xFF\":1}"), HasSubstr("not JSON"));
}

TEST(SafetensorsRefusals, OfANestingThatOnlyEatsMemory) {
  EXPECT_THAT(refusal("{\"w\":" + std::string(100'000, '[')), HasSubstr("nested deeper"));
}

TEST(SafetensorsRefusals, OfATensorGivenTwice) {
  EXPECT_THAT(refusal(R"({"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                      R"("w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})"),
              HasSubstr("the key \"w\" twice"));
}

TEST(SafetensorsRefusals, OfAKeyGivenTwiceInATensor) {
  EXPECT_THAT(refusal(R"({"w":{"dtype":"F32","dtype":"F16","shape":[0],"data_offsets":[0,0]}})"),
              HasSubstr("the key \"dtype\" twice"));
}

TEST(SafetensorsRefusals, OfATensorThatIsNoObject) {
  EXPECT_THAT(refusal(R"({"w":7})"), AllOf(HasSubstr("tensor \"w\""), HasSubstr("no object")));
}

TEST(SafetensorsRefusals, OfAKeyTooMany) {
  EXPECT_THAT(refusal(R"({"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"strides":[1]}})"),
              AllOf(HasSubstr("tensor \"w\""), HasSubstr("strides")));
}

TEST(SafetensorsRefusals, OfEachKeyMissing) {
  EXPECT_THAT(refusal(R"({"w":{"shape":[0],"data_offsets":[0,0]}})"), HasSubstr("no \"dtype\""));
  EXPECT_THAT(refusal(R"({"w":{"dtype":"F32","data_offsets":[0,0]}})"), HasSubstr("no \"shape\""));
  EXPECT_THAT(refusal(R"({"w":{"dtype":"F32","shape":[0]}})"), HasSubstr("no \"data_offsets\""));
}

TEST(SafetensorsRefusals, OfAnUnknownType) {
  EXPECT_THAT(refusal(header_of("F31", "1", "0,4"), "1234"),
              AllOf(HasSubstr("tensor \"w\""), HasSubstr("F31")));
  EXPECT_THAT(refusal(R"({"w":{"dtype":32,"shape":[0],"data_offsets":[0,0]}})"), HasSubstr("no text"));
}

TEST(SafetensorsRefusals, OfExtentsThatAreNoCounts) {
  for (const char* extent : {"-1", "1.0", "1.5", "\"1\"", "null", "18446744073709551616", "-0"}) {
    EXPECT_THAT(refusal(header_of("F32", extent, "0,4"), "1234"),
                AllOf(HasSubstr("tensor \"w\""), HasSubstr("shape with")))
        << extent;
  }
  EXPECT_THAT(refusal(R"({"w":{"dtype":"F32","shape":4,"data_offsets":[0,0]}})"), HasSubstr("no list"));
}

TEST(SafetensorsRefusals, OfAShapeThatOverflows) {
  // 2^32 * 2^32, and 2^62 values of 4 bytes: both are 0 in 64 bits.
  EXPECT_THAT(refusal(header_of("F32", "4294967296,4294967296", "0,0")), HasSubstr("2^64"));
  EXPECT_THAT(refusal(header_of("F32", "4611686018427387904", "0,0")), HasSubstr("2^64"));
}

TEST(SafetensorsRefusals, OfNegativeOffsets) {
  EXPECT_THAT(refusal(header_of("F32", "1", "-4,0"), "1234"), HasSubstr("data_offsets with"));
}

TEST(SafetensorsRefusals, OfOffsetsThatAreNotTwo) {
  EXPECT_THAT(refusal(header_of("F32", "1", "0"), "1234"), HasSubstr("1 data_offsets"));
  EXPECT_THAT(refusal(header_of("F32", "1", "0,4,8"), "1234"), HasSubstr("3 data_offsets"));
}

TEST(SafetensorsRefusals, OfAnEndBeforeTheBegin) {
  EXPECT_THAT(refusal(header_of("F32", "1", "4,0"), "1234"), HasSubstr("end before they begin"));
}

TEST(SafetensorsRefusals, OfOffsetsThatOverflow) {
  // Their difference is 4 in 64 bits.
  EXPECT_THAT(refusal(header_of("F32", "1", "18446744073709551615,3"), "1234"),
              HasSubstr("end before they begin"));
  EXPECT_THAT(refusal(header_of("F32", "1", "18446744073709551611,18446744073709551615"), "1234"),
              HasSubstr("is it whole"));
}

TEST(SafetensorsRefusals, OfASizeThatIsNotTheShapes) {
  EXPECT_THAT(refusal(header_of("F32", "2", "0,4"), "1234"),
              AllOf(HasSubstr("tensor \"w\""), HasSubstr("4 bytes of values"), HasSubstr("takes 8")));
  EXPECT_THAT(refusal(header_of("F16", "1", "0,4"), "1234"), HasSubstr("takes 2"));
}

TEST(SafetensorsRefusals, OfAFileCutShort) {
  EXPECT_THAT(refusal(header_of("F32", "1", "0,4"), "123"),
              AllOf(HasSubstr("tensor \"w\""), HasSubstr("is it whole")));
}

TEST(SafetensorsRefusals, OfBytesBehindTheLastTensor) {
  EXPECT_THAT(refusal(header_of("F32", "1", "0,4"), "12345"), HasSubstr("1 bytes behind the last tensor"));
  EXPECT_THAT(refusal("{}", "1"), HasSubstr("1 bytes behind"));
}

std::string header_of_two(const std::string& first, const std::string& second) {
  return cat(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[)", first,
             R"(]},"b":{"dtype":"F32","shape":[1],"data_offsets":[)", second, "]}}");
}

TEST(SafetensorsRefusals, OfTensorsThatOverlap) {
  EXPECT_THAT(refusal(header_of_two("0,4", "0,4"), "1234"),
              AllOf(HasSubstr("tensor \"b\""), HasSubstr("overlap")));
  EXPECT_THAT(refusal(header_of_two("0,4", "2,6"), "123456"),
              AllOf(HasSubstr("tensor \"b\""), HasSubstr("overlap")));
}

TEST(SafetensorsRefusals, OfAGap) {
  EXPECT_THAT(refusal(header_of_two("0,4", "8,12"), std::string(12, 'x')),
              AllOf(HasSubstr("tensor \"b\""), HasSubstr("leave a gap"), HasSubstr("must begin at 4")));
  EXPECT_THAT(refusal(header_of("F32", "1", "4,8"), std::string(8, 'x')), HasSubstr("leave a gap"));
}

TEST(SafetensorsRefusals, OfMetadataThatIsNoText) {
  EXPECT_THAT(refusal(R"({"__metadata__":{"epoch":3}})"),
              AllOf(HasSubstr("__metadata__"), HasSubstr("epoch")));
  EXPECT_THAT(refusal(R"({"__metadata__":[]})"), HasSubstr("__metadata__"));
}

TEST(SafetensorsRefusals, ShowALongNameInPartAndALineBreakAsItIsWritten) {
  const std::string message = refusal(cat("{\"", std::string(5000, 'n'), "\":7}"));
  EXPECT_LT(message.size(), 500u);
  EXPECT_THAT(refusal("{\"a\\nb\":7}"), HasSubstr("tensor \"a\\nb\""));
}

TEST(SafetensorsReader, TakesTensorsInAnyOrderOfTheHeader) {
  const ScratchDirectory directory;
  const std::string header = header_of_two("4,8", "0,4");
  const std::string length = {static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  SafetensorsReader reader(directory.write("in", length + header + std::string("\0\0\x80\x3F\0\0\0\x40", 8)));
  EXPECT_THAT(names_of(reader), ElementsAre("b", "a"));
  EXPECT_EQ(values_of(reader, "b"), std::vector{1.0f});
  EXPECT_EQ(values_of(reader, "a"), std::vector{2.0f});
}

}  // namespace
}  // namespace sterna::record
