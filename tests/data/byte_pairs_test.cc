#include "runtime/data/byte_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/data/text_lines.h"
#include "tests/support/scratch_directory.h"

namespace sterna::data {
namespace {

using testing::HasSubstr;

constexpr std::size_t kBytes = kFirstMerge;  // symbols before the first merge

std::int32_t byte(char c) {
  return kFirstByte + static_cast<unsigned char>(c);
}

std::vector<std::string> texts_of(const BytePairs& vocabulary) {
  std::vector<std::string> texts;
  for (std::size_t s = kBytes; s < vocabulary.symbols(); ++s) {
    texts.push_back(vocabulary.text(static_cast<std::int32_t>(s)));
  }
  return texts;
}

std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> pieces;
  for_each_piece(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

TEST(BytePairs, CutsTextIntoRunsOfOneKindWithTheSpaceBefore) {
  EXPECT_EQ(
      pieces_of("A man, 25  years!? Über\t9."),
      (std::vector<std::string>{"A", " man", ",", " 25", " ", " years", "!?", " Über", "\t", "9", "."}));
  EXPECT_EQ(pieces_of("  "), (std::vector<std::string>{" ", " "}));
  EXPECT_EQ(pieces_of(""), std::vector<std::string>{});
}

// a b occurs 3 times, b c twice. Once a b is joined there is no b c any more, but "ab" c, twice.
TEST(BytePairs, JoinsTheMostFrequentPairUntilNoneOccursTwice) {
  const std::vector<std::string> lines = {"abc", "abc", "ab"};
  const BytePairs vocabulary = learn_byte_pairs(lines, 1000);
  EXPECT_EQ(texts_of(vocabulary), (std::vector<std::string>{"ab", "abc"}));
  EXPECT_EQ(vocabulary.wanted(), 1000u);
  EXPECT_EQ(texts_of(learn_byte_pairs(lines, kBytes + 1)), std::vector<std::string>{"ab"});
  EXPECT_EQ(texts_of(learn_byte_pairs(lines, kBytes)), std::vector<std::string>{});
}

// Space and a occur 4 times side by side. Then " a" b, " a" c, z y and the two bytes of ü occur twice; 0xC3
// comes behind every letter of ASCII, for bytes have no sign here.
TEST(BytePairs, BreaksTiesByTheOrderOfBytes) {
  const std::vector<std::string> lines = {"zy ab", "zy ab", "ü ac", "ü ac"};
  EXPECT_EQ(texts_of(learn_byte_pairs(lines, 1000)),
            (std::vector<std::string>{" a", " ab", " ac", "zy", "ü"}));
}

// The pair (a, a) of aaa is counted twice, and joined once from the left.
TEST(BytePairs, JoinsOverlappingPairsFromTheLeft) {
  const std::vector<std::string> lines = {"aaa"};
  const BytePairs vocabulary = learn_byte_pairs(lines, 1000);
  EXPECT_EQ(texts_of(vocabulary), std::vector<std::string>{"aa"});
  EXPECT_EQ(vocabulary.encode("aaaaa"), (std::vector<std::int32_t>{kFirstMerge, kFirstMerge, byte('a')}));
}

// Merge 0 is bc, merge 1 is ab: of abc the first applies, though ab stands before it.
TEST(BytePairs, AppliesTheEarliestMergeFirst) {
  const BytePairs vocabulary({{byte('b'), byte('c')}, {byte('a'), byte('b')}}, kBytes + 2);
  EXPECT_EQ(vocabulary.encode("abc"), (std::vector<std::int32_t>{byte('a'), kFirstMerge}));
  EXPECT_EQ(vocabulary.encode("abd"), (std::vector<std::int32_t>{kFirstMerge + 1, byte('d')}));
  EXPECT_EQ(vocabulary.encode("b c"), (std::vector<std::int32_t>{byte('b'), byte(' '), byte('c')}));
}

TEST(BytePairs, GivesBackTheBytesOfAnyText) {
  const std::vector<std::string> lines = {"Ein Mann führt über die Straße.", "A man leads a man, 10 men.",
                                          "zwei  Männer führen Straßen 10"};
  const BytePairs vocabulary = learn_byte_pairs(lines, 400);
  EXPECT_GT(vocabulary.symbols(), kBytes + 10);
  std::vector<std::string> texts = lines;
  texts.insert(texts.end(), {"", " ", "日本語 текст", std::string("\0\xFF\xC3", 3)});
  for (std::uint32_t number = 0; number < 200; ++number) {
    std::string& text = texts.emplace_back();
    const RandomKey key{.seed = 1, .step = number};
    for (std::uint64_t i = 0; i < number; ++i) {
      // Half of the bytes are those of the lines, so that merges apply.
      text += random_below(key, 2 * i, 2) == 0 ? static_cast<char>(random_below(key, 2 * i + 1, 256))
                                               : lines[0][random_below(key, 2 * i + 1, 30)];
    }
  }
  for (const std::string& text : texts) EXPECT_EQ(vocabulary.decode(vocabulary.encode(text)), text);
  EXPECT_EQ(vocabulary.decode(std::vector{kBegin, byte('a'), kEnd, kPadding}), "a");
}

// Symbols of the same text learned in another order of lines are the same.
TEST(BytePairs, DoesNotDependOnTheOrderOfLines) {
  std::vector<std::string> lines = {"the cat sat", "the mat", "a cat at the mat", "sat at a mat"};
  const BytePairs one = learn_byte_pairs(lines, 1000);
  std::ranges::reverse(lines);
  EXPECT_EQ(to_text(learn_byte_pairs(lines, 1000)), to_text(one));
}

class BytePairFile : public testing::Test {
 protected:
  std::string refusal(std::string_view bytes) const {
    const std::filesystem::path path = scratch_.write("vocabulary", bytes);
    return test::message_of<ConfigError>([&] { (void)read_byte_pairs(path); });
  }

  test::ScratchDirectory scratch_;
};

// a is 3 + 97 = 100, b 101, space 35, the two bytes of ü 198 and 191.
TEST_F(BytePairFile, ShowsEachMergeAndComesBack) {
  const BytePairs vocabulary({{35, 100}, {259, 101}, {198, 191}}, 300);
  const std::string text = "byte-pairs 1 300 3\n35 100 \\x20a\n259 101 \\x20ab\n198 191 \\xC3\\xBC\n";
  EXPECT_EQ(to_text(vocabulary), text);
  const std::filesystem::path path = scratch_.path() / "vocabulary";
  write_byte_pairs(path, vocabulary);
  EXPECT_EQ(test::bytes_of(path), text);
  const BytePairs read = read_byte_pairs(path);
  EXPECT_EQ(to_text(read), text);
  EXPECT_EQ(read.wanted(), 300u);
  EXPECT_EQ(read.encode("x abü"), vocabulary.encode("x abü"));
  write_byte_pairs(path, BytePairs({}, 259));
  EXPECT_EQ(read_byte_pairs(path).symbols(), 259u);
}

TEST_F(BytePairFile, IsRefusedWhereItIsNotWhatWasWritten) {
  EXPECT_THAT(refusal("{}"), HasSubstr("vocabulary = another kind of file"));
  EXPECT_THAT(refusal(""), HasSubstr("another kind of file"));
  for (const char* head : {"byte-pairs 1", "byte-pairs 1 300\n", "byte-pairs 1 x 0\n", "byte-pairs 1 258 0\n",
                           "byte-pairs 1 259 1\n35 100 \\x20a\n", "byte-pairs 1 99999999 0\n",
                           "byte-pairs 1 300 99999999999999999999\n"}) {
    EXPECT_THAT(refusal(head), HasSubstr("no numbers of symbols and merges in line 1")) << head;
  }
  for (const char* merge : {"", "35\n", "35 259 x\n", "2 35 x\n", "35 100 \\x20a", "-1 35 x\n"}) {
    EXPECT_THAT(refusal(cat("byte-pairs 1 300 1\n", merge)), HasSubstr("no pair of symbols in line 2"));
  }
  EXPECT_THAT(refusal("byte-pairs 1 300 2\n35 100 \\x20a\n35 100 \\x20a\n"), HasSubstr("in line 3"));
  EXPECT_THAT(refusal("byte-pairs 1 300 1\n35 100 \\x20a\n\n"), HasSubstr("1 bytes behind the last of 1"));
  EXPECT_THAT(refusal("byte-pairs 1 300 1\n35 100 a\n"), HasSubstr("not its pair's in line 2"));
  EXPECT_THAT(refusal("byte-pairs 1 300 1\n35 100 ab\n"), HasSubstr("texts that are not those of the pairs"));
  EXPECT_THAT(refusal("byte-pairs 1 0300 0\n"), HasSubstr("texts that are not those of the pairs"));
}

// 60 pairs of which each joins the one before with itself: written out, the last would have 2^60 bytes.
TEST_F(BytePairFile, IsRefusedBeforeTextsLongerThanTheFileAreMade) {
  std::string file = "byte-pairs 1 400 60\n100 100 aa\n";
  for (int symbol = 259; symbol < 318; ++symbol) file += cat(symbol, ' ', symbol, " aa\n");
  EXPECT_THAT(refusal(file), HasSubstr("not its pair's in line 3"));
}

TEST_F(BytePairFile, IsRefusedWhereItCannotBeWritten) {
  const std::filesystem::path path = scratch_.path() / "none" / "vocabulary";
  EXPECT_THAT(test::message_of<ConfigError>([&] { write_byte_pairs(path, BytePairs({}, 259)); }),
              HasSubstr("must be a file that can be written"));
}

TEST(Utf8, IsWholeUpToTheFirstFault) {
  for (const char* whole :
       {"", "a", "ü", "\u20AC", "\U0001F600", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "\xE0\xA0\x80"}) {
    EXPECT_EQ(utf8_bytes(whole), std::string_view(whole).size()) << whole;
  }
  for (const char* fault :
       {"\x80", "\xC3", "\xC3(", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(utf8_bytes(std::string("ab") + fault), 2u);
  }
}

}  // namespace
}  // namespace sterna::data
