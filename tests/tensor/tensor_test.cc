#include "runtime/tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/core/errors.h"
#include "runtime/tensor/arena.h"
#include "runtime/tensor/elementwise.h"
#include "runtime/tensor/fully_connected_products.h"
#include "runtime/tensor/matrix_product.h"
#include "runtime/tensor/max_pooling.h"
#include "runtime/tensor/onednn/convolution_products.h"

namespace sterna::tensor {
namespace {

using testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Arena, GivesZeroedBuffersOnCacheLines) {
  Arena arena;
  for (std::size_t elements : {1u, 7u, 1000u}) {
    const std::span<float> buffer = arena.reserve(elements);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    EXPECT_EQ(buffer.size(), elements);
    for (float value : buffer) ASSERT_EQ(value, 0.0f);
  }
  EXPECT_EQ(arena.bytes(), 4u * 1008u);
}

TEST(Arena, KeepsEarlierBuffersWhereTheyAre) {
  Arena arena;
  const std::span<float> first = arena.reserve(3);
  first[2] = 5.0f;
  for (int i = 0; i < 100; ++i) (void)arena.reserve(1000);
  EXPECT_EQ(first[2], 5.0f);
}

TEST(Arena, LendsTheSmallestBufferThatIsLargeEnough) {
  Arena arena;
  const TensorForm small{.shape = {10}, .blocks = nullptr}, large{.shape = {20}, .blocks = nullptr};
  const Tensor first = arena.borrow(large);
  const Tensor second = arena.borrow(small);
  EXPECT_NE(first.data, second.data);
  EXPECT_EQ(arena.bytes(), 4u * 30u);
  arena.give_back(first);
  arena.give_back(second);
  EXPECT_EQ(arena.borrow(small).data, second.data);
  EXPECT_EQ(arena.borrow(small).data, first.data);
  EXPECT_EQ(arena.bytes(), 4u * 30u);
}

TEST(Arena, TakesBackWhatItLentAndOnlyOnce) {
  Arena arena;
  const TensorForm form{.shape = {10}, .blocks = nullptr}, other{.shape = {2, 5}, .blocks = nullptr};
  const Tensor lent = arena.borrow(form);
  arena.give_back({&other, lent.data});
  EXPECT_THROW(arena.give_back(lent), InternalError);
  float elsewhere = 0.0f;
  EXPECT_THROW(arena.give_back({&form, &elsewhere}), InternalError);
}

TEST(Arena, SharesOneScratchOfTheLargestWish) {
  Arena arena;
  arena.reserve_scratch(100);
  arena.reserve_scratch(10);
  EXPECT_EQ(arena.bytes(), 100u);
}

TEST(Relu, KeepsNansAndPositiveNumbers) {
  const std::vector<float> input = {-1.0f, 0.0f, 2.0f, kNan};
  std::vector<float> output(4);
  relu(input, output);
  EXPECT_THAT(std::span(output).first(3), ElementsAre(0.0f, 0.0f, 2.0f));
  EXPECT_TRUE(std::isnan(output[3]));
  std::vector<float> gradient = {1.0f, 2.0f, 3.0f, 4.0f};
  mask_relu_gradient(output, gradient);
  EXPECT_THAT(gradient, ElementsAre(0.0f, 0.0f, 3.0f, 4.0f));
}

TEST(Rows, AreAddedToAndSummed) {
  std::vector<float> rows = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};  // [3, 2]
  std::vector<float> sums = {99.0f, 99.0f};
  sum_rows(rows, sums);
  EXPECT_THAT(sums, ElementsAre(9.0f, 12.0f));
  add_to_rows(std::vector{10.0f, 20.0f}, rows);
  EXPECT_THAT(rows, ElementsAre(11.0f, 22.0f, 13.0f, 24.0f, 15.0f, 26.0f));
}

TEST(MaxPooling, TakesANanForTheLargest) {
  const TensorForm form{.shape = {1, 1, 2, 2}, .blocks = nullptr};
  for (std::size_t at = 0; at < 4; ++at) {
    std::vector<float> input = {1.0f, 2.0f, 3.0f, 4.0f};
    input[at] = kNan;
    MaxPooling pooling(form, {.window = 2, .stride = 2});
    float output = 0.0f;
    pooling.forward({&form, input.data()}, {&pooling.output_form(), &output});
    EXPECT_TRUE(std::isnan(output)) << at;
    std::vector<float> gradient(4, 99.0f);
    output = 5.0f;
    pooling.backward({&pooling.output_form(), &output}, {&form, gradient.data()});
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(gradient[i], i == at ? 5.0f : 0.0f);
  }
}

TEST(FullyConnectedProducts, AreThoseOfTheMatrices) {
  // One sample x = (1, 2, 3), two outputs, W = ((1, 0, 2), (0, -1, 1)), dy = (2, -1).
  const TensorForm form{.shape = {1, 3}, .blocks = nullptr};
  const auto products = make_fully_connected_products(form, {.outputs = 2});
  const std::vector<float> x = {1.0f, 2.0f, 3.0f}, w = {1.0f, 0.0f, 2.0f, 0.0f, -1.0f, 1.0f},
                           dy = {2.0f, -1.0f};
  std::vector<float> y(2), dx(3), dw(6), db(2);
  products->forward({&form, x.data()}, w, std::vector{0.5f, 0.0f}, {&products->output_form(), y.data()});
  EXPECT_THAT(y, ElementsAre(7.5f, 1.0f));
  products->weight_gradient({&form, x.data()}, {&products->output_form(), dy.data()}, dw, db);
  EXPECT_THAT(dw, ElementsAre(2.0f, 4.0f, 6.0f, -1.0f, -2.0f, -3.0f));
  EXPECT_THAT(db, ElementsAre(2.0f, -1.0f));
  products->input_gradient({&products->output_form(), dy.data()}, w, {&form, dx.data()});
  EXPECT_THAT(dx, ElementsAre(2.0f, 1.0f, 3.0f));  // 2 * W[0] - W[1]
}

// Integers below 2^24 throughout, so that any order of sums gives the same bits. Both libraries' products of
// every shape that the choice between them tells apart.
TEST(MatrixProduct, IsTheSameByBothLibraries) {
  for (const std::size_t rows : {1u, 17u, 300u}) {
    const ProductExtents extents{.rows = rows, .columns = 19, .inner = 65};
    for (const bool a_turned : {false, true}) {
      for (const bool b_turned : {false, true}) {
        std::vector<float> a(rows * 65), b(65 * 19), by_blas(rows * 19, 99.0f), by_onednn = by_blas;
        for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 13) - 6.0f;
        for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 7) - 3.0f;
        const Factor left{a.data(), a_turned ? rows : 65, a_turned};
        const Factor right{b.data(), b_turned ? std::size_t{65} : 19, b_turned};
        multiply_by_blas(extents, left, right, by_blas.data());
        multiply_by_onednn(extents, left, right, by_onednn.data());
        EXPECT_EQ(by_onednn, by_blas) << rows << a_turned << b_turned;
        float last = 0.0f;
        for (std::size_t k = 0; k < 65; ++k) {
          last += a[a_turned ? k * rows + rows - 1 : (rows - 1) * 65 + k] *
                  b[b_turned ? 18 * 65 + k : k * 19 + 18];
        }
        EXPECT_EQ(by_blas.back(), last);
      }
    }
  }
}

TEST(FullyConnectedProducts, TakeTheExtentsBeforeTheLastForRows) {
  const TensorForm form{.shape = {2, 3, 1}, .blocks = nullptr};
  const auto products = make_fully_connected_products(form, {.outputs = 2});
  EXPECT_THAT(products->output_form().shape, ElementsAre(2, 3, 2));
  const std::vector<float> x = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
  std::vector<float> y(12);
  products->forward({&form, x.data()}, std::vector{1.0f, -2.0f}, {}, {&products->output_form(), y.data()});
  EXPECT_THAT(y, ElementsAre(1.0f, -2.0f, 2.0f, -4.0f, 3.0f, -6.0f, 4.0f, -8.0f, 5.0f, -10.0f, 6.0f, -12.0f));
}

TEST(ConvolutionProducts, RefuseAnInputGradientThatTheyWereNotMadeFor) {
  Arena arena;
  const TensorForm form{.shape = {1, 1, 3, 3}, .blocks = nullptr};
  const auto products =
      make_convolution_products(form, {.outputs = 1, .kernel = 3, .needs_input_gradient = false}, arena);
  std::vector<float> values(9);
  EXPECT_THROW(
      products->input_gradient({&products->output_form(), values.data()}, values, {&form, values.data()}),
      InternalError);
}

TEST(ConvolutionProducts, RefuseAKernelLargerThanTheImage) {
  Arena arena;
  const TensorForm form{.shape = {1, 1, 3, 3}, .blocks = nullptr};
  EXPECT_THROW((void)make_convolution_products(form, {.outputs = 1, .kernel = 4}, arena), InternalError);
}

}  // namespace
}  // namespace sterna::tensor
