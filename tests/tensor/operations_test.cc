#include "runtime/tensor/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/tensor/arena.h"

namespace sterna::tensor {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(CpuOperations, ReserveZeroedMemoryOnCacheLinesThatLivesAsLongAsItsCopies) {
  Operations& cpu = cpu_operations();
  Memory copy;
  {
    const Memory memory = cpu.reserve(100);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0u);
    EXPECT_THAT(std::span(memory.get(), 100), Each(std::byte{0}));
    copy = memory;
  }
  copy.get()[99] = std::byte{7};
  EXPECT_EQ(copy.get()[99], std::byte{7});
  EXPECT_NO_THROW((void)cpu.reserve(0));
}

TEST(CpuOperations, CopyToAndFromTheHost) {
  std::vector<float> there(3), back(3);
  cpu_operations().copy_from_host<float>(std::vector<float>{1.0f, 2.0f, 3.0f}, there);
  cpu_operations().copy_to_host<float>(there, back);
  EXPECT_THAT(back, ElementsAre(1.0f, 2.0f, 3.0f));
}

TEST(CpuOperations, CopyRowsAndLeaveWhatLiesBetweenThem) {
  const std::vector<float> from = {1, 2, 3, 4, 5, 6};
  std::vector<float> to(8, 9.0f);
  cpu_operations().copy_rows({.rows = 2, .columns = 2}, {from.data(), 3}, {to.data() + 1, 4});
  EXPECT_THAT(to, ElementsAre(9, 1, 2, 9, 9, 4, 5, 9));
  // A stride of 0 repeats one row.
  cpu_operations().copy_rows({.rows = 2, .columns = 2}, {from.data() + 4, 0}, {to.data(), 4});
  EXPECT_THAT(to, ElementsAre(5, 6, 2, 9, 5, 6, 5, 9));
}

TEST(CpuOperations, SwapTwoAxes) {
  // [1, 2, 3, 2] -> [1, 3, 2, 2]; element (outer a, inner b) is the pair 10 a + b, -.
  const std::vector<float> from = {0, -0.5f, 1, -1, 2, -2, 10, -10, 11, -11, 12, -12};
  std::vector<float> to(12);
  cpu_operations().swap_axes({.outer = 2, .inner = 3, .features = 2}, from.data(), to.data());
  EXPECT_THAT(to, ElementsAre(0, -0.5f, 10, -10, 1, -1, 11, -11, 2, -2, 12, -12));
  // The same numbers as [2, 3, 2, 1]: each batch of [3, 2] by itself.
  cpu_operations().swap_axes({.batches = 2, .outer = 3, .inner = 2, .features = 1}, from.data(), to.data());
  EXPECT_THAT(to, ElementsAre(0, 1, 2, -0.5f, -1, -2, 10, 11, 12, -10, -11, -12));
}

TEST(CpuOperations, AddOneTableToEverySample) {
  std::vector<float> output(4);
  cpu_operations().scale_and_add_table(2.0f, std::vector<float>{1, 2, 3, 4}, std::vector<float>{10, 20},
                                       output);
  EXPECT_THAT(output, ElementsAre(12, 24, 16, 28));
  cpu_operations().scale(0.5f, output);
  EXPECT_THAT(output, ElementsAre(6, 12, 8, 14));
}

TEST(CpuOperations, TakeMeansOverPositionsAndShareTheirGradients) {
  const TensorForm sequence{.shape = {2, 2, 2}}, mean{.shape = {2, 2}};
  std::vector<float> input = {1, 2, 3, 4, 5, 6, 9, 10}, output(4);
  cpu_operations().mean_over_positions(2, {&sequence, input.data()}, {&mean, output.data()});
  EXPECT_THAT(output, ElementsAre(2, 3, 7, 8));
  cpu_operations().mean_over_positions_backward(2, {&mean, output.data()}, {&sequence, input.data()});
  EXPECT_THAT(input, ElementsAre(1, 1.5f, 1, 1.5f, 3.5f, 4, 3.5f, 4));
}

TEST(CpuOperations, LookAtAWindowOfTheSymbols) {
  // Two samples of three positions, of which the last two count.
  const std::vector<std::int32_t> symbols = {1, 0, 2, 1, 2, 2};
  const SymbolWindow window{.symbols = symbols, .positions = 3, .first = 1, .count = 2};
  const std::vector<float> table = {10, 11, 20, 21, 30, 31};
  std::vector<float> rows(8);
  cpu_operations().gather_rows(window, 2, table, rows);
  EXPECT_THAT(rows, ElementsAre(10, 11, 30, 31, 30, 31, 30, 31));
  std::vector<float> gradient(6, 99.0f);
  cpu_operations().scatter_rows(window, 2, rows, gradient);
  EXPECT_THAT(gradient, ElementsAre(10, 11, 0, 0, 90, 93));
  std::vector<float> mask(4);
  cpu_operations().mask_padding(window, mask);
  EXPECT_THAT(mask, ElementsAre(-kInfinity, 0, 0, 0));
}

TEST(CpuOperations, RefuseASymbolThatTheTableHasNot) {
  std::vector<float> rows(1);
  for (std::int32_t symbol : {-1, 3}) {
    const SymbolWindow window{.symbols = std::span(&symbol, 1), .positions = 1, .first = 0, .count = 1};
    EXPECT_THROW(cpu_operations().gather_rows(window, 1, std::vector<float>(3), rows), InternalError);
  }
}

TEST(CpuOperations, AreAnArenasUnlessItIsToldOtherwise) {
  const Arena arena;
  EXPECT_EQ(&arena.operations(), &cpu_operations());
  EXPECT_TRUE(arena.operations().is_in_host_memory());
}

}  // namespace
}  // namespace sterna::tensor
