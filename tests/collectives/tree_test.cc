// The shape of the summation tree, by hand, and why it is this one.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/collectives/ordered_sum.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// The sum as a formula over learners: the operand that an addition writes becomes "(left+right)".
std::string formula(std::size_t learners) {
  std::vector<std::string> terms;
  for (std::size_t i = 0; i < learners; ++i) terms.push_back(cat(i));
  for_each_tree_addition(learners, [&](std::size_t left, std::size_t right) {
    terms[left] = cat("(", terms[left], "+", terms[right], ")");
    terms[right] = "used";  // an operand is complete before it is used, and is used once
  });
  return terms.empty() ? "" : terms[0];
}

// n learners split at the largest power of two below n: 3 = 2 + 1, 5 = 4 + 1, 6 = 4 + 2, 7 = 4 + 3, 9 = 8
// + 1.
TEST(SummationTree, SplitsAtTheLargestPowerOfTwoBelowTheCount) {
  EXPECT_EQ(formula(0), "");
  EXPECT_EQ(formula(1), "0");
  EXPECT_EQ(formula(2), "(0+1)");
  EXPECT_EQ(formula(3), "((0+1)+2)");
  EXPECT_EQ(formula(4), "((0+1)+(2+3))");
  EXPECT_EQ(formula(5), "(((0+1)+(2+3))+4)");
  EXPECT_EQ(formula(6), "(((0+1)+(2+3))+(4+5))");
  EXPECT_EQ(formula(7), "(((0+1)+(2+3))+((4+5)+6))");
  EXPECT_EQ(formula(8), "(((0+1)+(2+3))+((4+5)+(6+7)))");
  EXPECT_EQ(formula(9), "((((0+1)+(2+3))+((4+5)+(6+7)))+8)");
}

// The formula of `ranks` ranks of which each has summed 2^m learners first.
std::string formula_over_ranks(std::size_t ranks, std::size_t learners_per_rank) {
  std::vector<std::string> sums;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    std::vector<std::string> terms;
    for (std::size_t i = 0; i < learners_per_rank; ++i) terms.push_back(cat(rank * learners_per_rank + i));
    for_each_tree_addition(learners_per_rank, [&](std::size_t left, std::size_t right) {
      terms[left] = cat("(", terms[left], "+", terms[right], ")");
    });
    sums.push_back(terms[0]);
  }
  for_each_tree_addition(ranks, [&](std::size_t left, std::size_t right) {
    sums[left] = cat("(", sums[left], "+", sums[right], ")");
  });
  return sums[0];
}

TEST(SummationTree, ContinuesOverRanksThatHostAPowerOfTwoOfLearners) {
  for (std::size_t ranks = 1; ranks <= 9; ++ranks) {
    for (const std::size_t learners_per_rank : {1u, 2u, 4u, 8u}) {
      EXPECT_EQ(formula_over_ranks(ranks, learners_per_rank), formula(ranks * learners_per_rank));
    }
  }
}

TEST(SummationTree, IsAnotherOneWhereRanksHostThreeLearners) {
  EXPECT_EQ(formula_over_ranks(2, 3), "(((0+1)+2)+((3+4)+5))");
  EXPECT_NE(formula_over_ranks(2, 3), formula(6));
}

}  // namespace
}  // namespace sterna::collectives
