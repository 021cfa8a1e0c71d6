#include "runtime/evaluation/edit_distance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/evaluation/tokenise.h"

namespace sterna::evaluation {
namespace {

std::vector<std::int32_t> letters(std::string_view text) {
  return {text.begin(), text.end()};
}

std::size_t distance(std::string_view a, std::string_view b) {
  return edit_distance(letters(a), letters(b));
}

TEST(EditDistance, CountsEachKindOfEdit) {
  EXPECT_EQ(distance("", ""), 0u);
  EXPECT_EQ(distance("abc", "abc"), 0u);
  EXPECT_EQ(distance("abc", ""), 3u);
  EXPECT_EQ(distance("", "ab"), 2u);
  EXPECT_EQ(distance("abc", "axc"), 1u);
  EXPECT_EQ(distance("abc", "abxc"), 1u);
  EXPECT_EQ(distance("abc", "bc"), 1u);
  EXPECT_EQ(distance("ab", "ba"), 2u);  // an exchange of neighbours is two edits
}

// k -> s, e -> i, and g behind; the textbook's example. And s a t u r d a y loses a, t and changes r to n.
TEST(EditDistance, FindsTheFewest) {
  EXPECT_EQ(distance("kitten", "sitting"), 3u);
  EXPECT_EQ(distance("saturday", "sunday"), 3u);
}

TEST(EditDistance, IsSymmetric) {
  for (const auto& [a, b] :
       {std::pair{"abcdef", "azced"}, std::pair{"aaaa", "aa"}, std::pair{"xyz", "abc"}}) {
    EXPECT_EQ(distance(a, b), distance(b, a)) << a << ", " << b;
  }
}

TEST(EditCount, IsARateOfSumsAndNoMeanOfRates) {
  EditCount count;
  // "the cat sat" for "the cat sat down": one word lacks of four. "a b" for "a": one too many of one.
  count.add(split_words("the cat sat"), split_words("the cat sat down"));
  EXPECT_DOUBLE_EQ(count.rate(), 0.25);
  count.add(split_words("a b"), split_words("a"));
  EXPECT_DOUBLE_EQ(count.rate(), 2.0 / 5.0);  // the mean of the rates would be 0.625
}

TEST(EditCount, OfLabelsMayExceedOne) {
  EditCount count;
  count.add(letters("xyz"), letters("a"));
  EXPECT_EQ(count.edits, 3u);  // one substitution, two insertions
  EXPECT_DOUBLE_EQ(count.rate(), 3.0);
}

TEST(EditCount, OfNothingIsZeroAndAgainstNothingInfinite) {
  EditCount count;
  EXPECT_EQ(count.rate(), 0.0);
  count.add(letters("a"), letters(""));
  EXPECT_TRUE(std::isinf(count.rate()));
}

}  // namespace
}  // namespace sterna::evaluation
