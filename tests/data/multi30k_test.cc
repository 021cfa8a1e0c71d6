// multi30k, read from files that the tests write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/data/translations.h"
#include "tests/data/data_probe.h"

namespace sterna::data {
namespace {

using test::refusal_of;
using test::samples_of;
using testing::HasSubstr;

using Symbols = std::vector<std::int32_t>;

SampleShape translation(std::size_t source, std::size_t target, std::size_t symbols = 300) {
  return {.input = {source + target}, .classes = symbols, .labels = target, .symbols = symbols};
}

class Multi30k : public testing::Test {
 protected:
  Multi30k() {
    scratch_.write("train.en", "ab\nc\n");
    scratch_.write("train.de", "xyz\nab\n");
    scratch_.write("test_2016_flickr.en", "b\n");
    scratch_.write("test_2016_flickr.de", "zü\n");
  }

  DatasetOptions options(const SampleShape& wanted = translation(4, 3)) const {
    return {.directory = scratch_.path(), .wanted = wanted, .vocabulary_size = 260};
  }

  // The refusal where one file has other bytes.
  std::string refusal_with(std::string_view file, std::string_view bytes) const {
    scratch_.write(file, bytes);
    return refusal_of("multi30k", options());
  }

  test::ScratchDirectory scratch_;
};

constexpr std::int32_t byte(unsigned char b) {
  return kFirstByte + b;
}
constexpr std::int32_t kAb = kFirstMerge;  // of both languages together, ab alone occurs twice

TEST_F(Multi30k, HasTheSourceItsEndAndTheTargetShifted) {
  const auto dataset = make_dataset("multi30k", options());
  EXPECT_EQ(dataset->sample_shape(), translation(4, 3));
  EXPECT_EQ(dataset->samples(Split::kTrain), 2u);
  EXPECT_EQ(dataset->samples(Split::kTest), 1u);
  const Batch batch = samples_of(*dataset, Split::kTrain, {1, 0}, 7);
  EXPECT_EQ(batch.symbols, (Symbols{byte('c'), kEnd, 0, 0, kBegin, kAb, 0,  //
                                    kAb, kEnd, 0, 0, kBegin, byte('x'), byte('y')}));
  EXPECT_EQ(batch.labels, (Symbols{kAb, kEnd, kNoLabel, byte('x'), byte('y'), byte('z')}));
  const Batch test = samples_of(*dataset, Split::kTest, {0});
  EXPECT_EQ(test.symbols, (Symbols{byte('b'), kEnd, 0, 0, kBegin, byte('z'), byte(0xC3)}));
  EXPECT_EQ(test.labels, (Symbols{byte('z'), byte(0xC3), byte(0xBC)}));
  ASSERT_NE(dataset->translations(), nullptr);
  EXPECT_EQ(dataset->translations()->reference(0), "zü");
  EXPECT_EQ(dataset->translations()->vocabulary().symbols(), 260u);
  EXPECT_THROW((void)dataset->translations()->reference(1), InternalError);
}

TEST_F(Multi30k, TakesLineBreaksOfWindows) {
  const auto plain = make_dataset("multi30k", options());
  for (const char* file : {"train.en", "train.de", "test_2016_flickr.en", "test_2016_flickr.de"}) {
    std::string text;
    for (const char c : test::bytes_of(scratch_.path() / file))
      text += c == '\n' ? "\r\n" : std::string(1, c);
    scratch_.write(file, text);
  }
  const auto dataset = make_dataset("multi30k", options());
  EXPECT_EQ(samples_of(*dataset, Split::kTrain, {0, 1}).symbols,
            samples_of(*plain, Split::kTrain, {0, 1}).symbols);
  EXPECT_EQ(dataset->translations()->reference(0), "zü");
  EXPECT_THAT(refusal_with("train.en", "a\r\n\r\n"), HasSubstr("train.en = line 2 is empty"));
}

TEST_F(Multi30k, CutsOffWhatIsTooLong) {
  const auto dataset = make_dataset("multi30k", options(translation(1, 1)));
  const Batch batch = samples_of(*dataset, Split::kTrain, {0});
  EXPECT_EQ(batch.symbols, (Symbols{kAb, kBegin}));
  EXPECT_EQ(batch.labels, Symbols{byte('x')});
}

TEST_F(Multi30k, WritesItsVocabularyAndReadsItAgain) {
  DatasetOptions with_file = options();
  with_file.vocabulary = scratch_.path() / "vocabulary.txt";
  (void)make_dataset("multi30k", with_file);
  EXPECT_EQ(test::bytes_of(with_file.vocabulary), "byte-pairs 1 260 1\n100 101 ab\n");
  scratch_.write("vocabulary.txt", "byte-pairs 1 260 1\n123 124 xy\n");
  const auto dataset = make_dataset("multi30k", with_file);
  EXPECT_EQ(samples_of(*dataset, Split::kTrain, {0}).labels, (Symbols{kFirstMerge, byte('z'), kEnd}));
  with_file.vocabulary_size = 270;
  EXPECT_THAT(refusal_of("multi30k", with_file),
              AllOf(HasSubstr("vocabulary-size = 270: "), HasSubstr("was learned with 260")));
}

TEST_F(Multi30k, IsRefusedWithoutADirectoryOrAFile) {
  DatasetOptions nowhere = options();
  nowhere.directory.clear();
  EXPECT_THAT(refusal_of("multi30k", nowhere), HasSubstr("data-dir = \"\": multi30k needs"));
  for (const char* file : {"train.en", "train.de", "test_2016_flickr.en", "test_2016_flickr.de"}) {
    const std::string bytes = test::bytes_of(scratch_.path() / file);
    std::filesystem::remove(scratch_.path() / file);
    EXPECT_THAT(refusal_of("multi30k", options()), HasSubstr(cat("must hold the file ", file)));
    scratch_.write(file, bytes);
  }
}

TEST_F(Multi30k, IsRefusedWithUnequallyManyLines) {
  EXPECT_THAT(refusal_with("train.de", "a\n"), HasSubstr("train.de = 1 lines: "));
}

TEST_F(Multi30k, IsRefusedWithAnEmptyFileOrLine) {
  EXPECT_THAT(refusal_with("train.en", ""), HasSubstr("train.en = empty"));
  EXPECT_THAT(refusal_with("train.en", "a\n\nb\n"), HasSubstr("train.en = line 2 is empty"));
}

TEST_F(Multi30k, IsRefusedWithBytesThatAreNotUtf8) {
  EXPECT_THAT(refusal_with("test_2016_flickr.de", "abc\nd\xFC\n"),
              HasSubstr("test_2016_flickr.de = byte 2 of line 2 is not UTF-8"));
}

TEST_F(Multi30k, IsRefusedWithMoreSymbolsThanTheModelHas) {
  DatasetOptions many = options();
  many.vocabulary_size = 301;
  EXPECT_THAT(refusal_of("multi30k", many), HasSubstr("vocabulary-size = 301: must be in [259, 300]"));
  many.vocabulary_size = 258;
  EXPECT_THAT(refusal_of("multi30k", many), HasSubstr("vocabulary-size = 258"));
}

TEST_F(Multi30k, IsRefusedByAModelThatDoesNotTranslate) {
  for (const SampleShape& wanted : {SampleShape{.input = {1, 28, 28}, .classes = 10},
                                    SampleShape{.input = {5}, .classes = 300, .labels = 5, .symbols = 300}}) {
    EXPECT_THAT(refusal_of("multi30k", options(wanted)), HasSubstr("take --model transformer"));
  }
}

}  // namespace
}  // namespace sterna::data
