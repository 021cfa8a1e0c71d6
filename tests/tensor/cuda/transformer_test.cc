// Layer normalisation, GELU and attention.
#include <gmock/gmock.h>

#include "runtime/tensor/cuda/makers.h"
#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

struct RowCase {
  std::size_t rows, features;
};

class CudaRowNormalisation : public testing::TestWithParam<RowCase> {
 protected:
  std::size_t rows = GetParam().rows;
  std::size_t features = GetParam().features;

  struct Normalised {
    kernels::NormalisedRows of;
    std::span<float> means, inverses, output;
  };
  Normalised forward(Workshop& on) const {
    Values input = normal_values(rows * features, 1);
    for (float& value : input) value += 3.0f;
    Normalised done{.of = {},
                    .means = on.output(rows),
                    .inverses = on.output(rows),
                    .output = on.output(rows * features)};
    done.of = {.input = on.upload(input).data(),
               .scale = on.upload(normal_values(features, 2)).data(),
               .rows = rows,
               .features = features,
               .means = done.means.data(),
               .inverse_deviations = done.inverses.data()};
    on.operations.normalise_rows(done.of, on.upload(normal_values(features, 3)), 1e-2f, done.output.data());
    return done;
  }

  // Inputs are below 8: a mean is off by a rounding for each feature, what is normalised by that times 1 /
  // deviation, at most 1 / sqrt(1e-2), and by as much again for the deviation. Scales are below 4.
  [[nodiscard]] double of_rows() const {
    return 16.0 * static_cast<double>(features + 4) * kUnit * 8.0 * 10.0 * 4.0;
  }
};

TEST_P(CudaRowNormalisation, NormalisesEachRow) {
  expect_near(
      [&](Workshop& on) {
        const Normalised done = forward(on);
        return Results{on.download(done.output), on.download(done.means), on.download(done.inverses)};
      },
      [&](std::size_t, std::size_t) { return of_rows(); });
}

TEST_P(CudaRowNormalisation, GoesBack) {
  expect_near(
      [&](Workshop& on) {
        const Normalised done = forward(on);
        const auto gradient = on.upload(normal_values(rows * features, 4));
        const auto of_scale = on.output(features);
        const auto of_shift = on.output(features);
        on.operations.normalise_rows_backward(done.of, gradient.data(), of_scale, of_shift);
        return Results{on.download(gradient), on.download(of_scale), on.download(of_shift)};
      },
      [&](std::size_t result, std::size_t) {
        return result == 0 ? of_rows() * 10.0 : of_rows() * static_cast<double>(rows);
      });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaRowNormalisation,
                         testing::Values(RowCase{1, 1}, RowCase{5, 7}, RowCase{9, 33}, RowCase{300, 48},
                                         RowCase{3, 770}));

// P is off by less than 2.5e-7 on the CPU, by two units on a GPU; the density by as much.
TEST(CudaGelu, IsThatOfTheCpu) {
  const Values spread = normal_values(7 * 33, 1, 3.0f);
  expect_near(
      [&](Workshop& on) {
        const auto rows = on.upload(spread);
        const auto output = on.output(rows.size());
        on.operations.gelu(on.upload(normal_values(33, 2)), rows, output);
        return Results{on.download(output), on.download(rows)};
      },
      [&](std::size_t, std::size_t at) { return 5e-7 * (5.0 + std::abs(static_cast<double>(spread[at]))); });
}

struct AttentionCase {
  AttentionShape shape;
  bool has_mask = false;
  bool has_dropout = false;
};

// Heads of one feature and of many, more samples than heads and fewer, keys of another source, all that a
// mask can hide, and rows whose number of keys is no multiple of what dropout draws at a time.
const AttentionCase kAttentionCases[] = {
    {{.samples = 1, .heads = 1, .queries = 1, .keys = 1, .features = 1}},
    {{.samples = 2, .heads = 3, .queries = 5, .keys = 7, .features = 4}},
    {{.samples = 3, .heads = 2, .queries = 37, .keys = 37, .features = 8, .is_causal = true}},
    {{.samples = 2, .heads = 2, .queries = 6, .keys = 9, .features = 5}, true},
    {{.samples = 2, .heads = 4, .queries = 9, .keys = 9, .features = 3, .is_causal = true}, true},
    {{.samples = 3, .heads = 2, .queries = 7, .keys = 33, .features = 4}, true, true},
    {{.samples = 1, .heads = 2, .queries = 35, .keys = 35, .features = 16, .is_causal = true}, false, true},
};

class CudaAttention : public testing::TestWithParam<AttentionCase> {
 protected:
  AttentionShape shape = GetParam().shape;
  std::size_t width = shape.heads * shape.features;
  std::size_t stride = width + 3;  // other columns lie between
  std::size_t query_elements = shape.samples * shape.queries * stride;
  std::size_t key_elements = shape.samples * shape.keys * stride;

  // The last sample's keys are all hidden but the first; the first sample's last key too.
  Values mask() const {
    Values values(GetParam().has_mask ? shape.samples * shape.keys : 0, 0.0f);
    if (values.empty()) return values;
    values[shape.keys - 1] = -kInfinity;
    std::fill(values.end() - static_cast<std::ptrdiff_t>(shape.keys) + 1, values.end(), -kInfinity);
    return values;
  }
  AttentionInputs inputs(Workshop& on) const {
    AttentionInputs inputs{.query = {on.upload(normal_values(query_elements, 1)).data(), stride},
                           .key = {on.upload(normal_values(key_elements, 2)).data(), stride},
                           .value = {on.upload(normal_values(key_elements, 3)).data(), stride},
                           .key_mask = on.upload(mask())};
    if (GetParam().has_dropout) {
      inputs.dropout = {.key = {.seed = 5, .use = RandomUse::kDropout, .learner = 1, .step = 2, .layer = 3},
                        .drop_below = 0x60000000u,
                        .scale = 1.6f};
    }
    return inputs;
  }

  // A score is off by a rounding for each feature of products below 25, which its exponential is too, and a
  // result by a rounding for each key or query; gradients are products of up to three such numbers.
  [[nodiscard]] double allowed(double largest) const {
    return 8.0 * static_cast<double>(shape.features + shape.keys + shape.queries + 16) * 2.0 * kUnit *
           largest;
  }
};

TEST_P(CudaAttention, GoesForward) {
  expect_near(
      [&](Workshop& on) {
        const auto attention = on.operations.make_attention(shape, on.arena);
        const auto output = on.upload(Values(query_elements, 7.0f));
        attention->forward(inputs(on), {output.data(), stride});
        return Results{on.download(output)};
      },
      [&](std::size_t, std::size_t) { return allowed(25.0 * 5.0); });
}

TEST_P(CudaAttention, GoesBack) {
  expect_near(
      [&](Workshop& on) {
        const auto attention = on.operations.make_attention(shape, on.arena);
        const AttentionInputs of = inputs(on);
        attention->forward(of, {on.output(query_elements).data(), stride});
        const auto query = on.upload(Values(query_elements, 7.0f));
        const auto key = on.upload(Values(key_elements, 7.0f));
        const auto value = on.upload(Values(key_elements, 7.0f));
        attention->backward(of, {on.upload(normal_values(query_elements, 4)).data(), stride},
                            {query.data(), stride}, {key.data(), stride}, {value.data(), stride});
        return Results{on.download(query), on.download(key), on.download(value)};
      },
      [&](std::size_t, std::size_t) { return allowed(25.0 * 5.0 * 5.0); });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaAttention, testing::ValuesIn(kAttentionCases));

// As many samples at a time as fit, and what is left over: what all at once give, to rounding, since cuBLAS
// promises the same bits of the same call alone. Sums have 6 terms or fewer, of values of about 1.
TEST(CudaAttention, TakesSamplesInParts) {
  const AttentionShape shape{.samples = 5, .heads = 2, .queries = 4, .keys = 6, .features = 3};
  const std::size_t width = shape.heads * shape.features;
  const std::size_t queries = shape.samples * shape.queries * width;
  const std::size_t keys = shape.samples * shape.keys * width;
  DeviceStream stream;
  const auto of_two_samples = 2 * shape.heads * shape.queries * shape.keys * sizeof(float);
  const auto run = [&](std::size_t score_bytes) {
    return results_of(device_operations(), [&](Workshop& on) {
      const auto attention = make_attention(shape, on.arena, stream, score_bytes);
      const AttentionInputs inputs{
          .query = {on.upload(normal_values(queries, 1)).data(), width},
          .key = {on.upload(normal_values(keys, 2)).data(), width},
          .value = {on.upload(normal_values(keys, 3)).data(), width},
          .key_mask = {},
          .dropout = kernels::KeepRule{
              .key = {.seed = 1, .use = RandomUse::kDropout}, .drop_below = 0x40000000u, .scale = 1.25f}};
      const auto above = on.upload(normal_values(queries, 4));
      const auto output = on.output(queries), query = on.output(queries);
      const auto key = on.output(keys), value = on.output(keys);
      on.operations.wait();  // the attention's stream is another
      attention->forward(inputs, {output.data(), width});
      attention->backward(inputs, {above.data(), width}, {query.data(), width}, {key.data(), width},
                          {value.data(), width});
      stream.wait();
      return Results{on.download(output), on.download(query), on.download(key), on.download(value)};
    });
  };
  const Results at_once = run(kScoreBytes);
  for (const std::size_t score_bytes : {of_two_samples, std::size_t{1}}) {
    const Results in_parts = run(score_bytes);
    for (std::size_t i = 0; i < at_once.size(); ++i) {
      EXPECT_THAT(in_parts[i], testing::Pointwise(testing::FloatNear(1e-5f), at_once[i])) << "result " << i;
    }
  }
}

// A query that sees no key has an output of 0, and its gradients are 0.
TEST(CudaAttention, GivesNothingWhereNoKeyCounts) {
  const AttentionShape shape{.samples = 1, .heads = 1, .queries = 2, .keys = 3, .features = 2};
  const Results results = results_of(device_operations(), [&](Workshop& on) {
    const auto attention = on.operations.make_attention(shape, on.arena);
    const AttentionInputs inputs{.query = {on.upload(normal_values(4, 1)).data(), 2},
                                 .key = {on.upload(normal_values(6, 2)).data(), 2},
                                 .value = {on.upload(normal_values(6, 3)).data(), 2},
                                 .key_mask = on.upload(Values(3, -kInfinity))};
    const auto output = on.output(4), query = on.output(4), key = on.output(6), value = on.output(6);
    attention->forward(inputs, {output.data(), 2});
    attention->backward(inputs, {on.upload(normal_values(4, 4)).data(), 2}, {query.data(), 2},
                        {key.data(), 2}, {value.data(), 2});
    return Results{on.download(output), on.download(query), on.download(key), on.download(value)};
  });
  for (const Values& values : results) EXPECT_EQ(values, Values(values.size(), 0.0f));
}

}  // namespace
}  // namespace sterna::tensor::cuda
