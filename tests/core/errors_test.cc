#include "runtime/core/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sterna {
namespace {

using testing::HasSubstr;

std::string message_of_check(std::size_t elements, std::size_t expected) {
  try {
    STERNA_CHECK(elements == expected);
  } catch (const InternalError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Check, PrintsTheComparisonBothOperandsAndThePlace) {
  const std::string message = message_of_check(3, 5);
  EXPECT_THAT(message, HasSubstr("elements == expected"));
  EXPECT_THAT(message, HasSubstr("3 and 5"));
  EXPECT_THAT(message, HasSubstr("errors_test.cc:"));
}

TEST(Check, IsSilentWhereTheComparisonHolds) {
  EXPECT_EQ(message_of_check(5, 5), "no error");
}

TEST(Check, KnowsEachComparison) {
  const int two = 2;
  const int three = 3;
  EXPECT_NO_THROW(STERNA_CHECK(two != three));
  EXPECT_NO_THROW(STERNA_CHECK(two < three));
  EXPECT_NO_THROW(STERNA_CHECK(two <= two));
  EXPECT_NO_THROW(STERNA_CHECK(three > two));
  EXPECT_NO_THROW(STERNA_CHECK(three >= three));
  EXPECT_THROW(STERNA_CHECK(two != two), InternalError);
  EXPECT_THROW(STERNA_CHECK(three < three), InternalError);
  EXPECT_THROW(STERNA_CHECK(three <= two), InternalError);
  EXPECT_THROW(STERNA_CHECK(two > two), InternalError);
  EXPECT_THROW(STERNA_CHECK(two >= three), InternalError);
}

TEST(Check, EvaluatesItsOperandsOnce) {
  int evaluations = 0;
  STERNA_CHECK(++evaluations == 1);
  EXPECT_EQ(evaluations, 1);
}

TEST(Errors, AreOfKindsThatDoNotCatchEachOther) {
  EXPECT_THROW(throw ConfigError("a"), std::runtime_error);
  EXPECT_THROW(throw InternalError("a"), std::logic_error);
  try {
    throw WireError("bytes");
  } catch (const CommError&) {
    FAIL() << "a WireError is no CommError";
  } catch (const WireError& error) {
    EXPECT_STREQ(error.what(), "bytes");
  }
}

TEST(Cat, WritesItsArgumentsOneAfterTheOther) {
  EXPECT_EQ(cat("rank ", 3, " of ", 4u, ", ", 0.5, std::string(" s")), "rank 3 of 4, 0.5 s");
}

TEST(Joined, PutsTheSeparatorBetweenElementsOnly) {
  EXPECT_EQ(joined(std::vector<int>{}, ", "), "");
  EXPECT_EQ(joined(std::vector<int>{7}, ", "), "7");
  EXPECT_EQ(joined(std::vector<std::string>{"none", "sign", ""}, ", "), "none, sign, ");
}

}  // namespace
}  // namespace sterna
