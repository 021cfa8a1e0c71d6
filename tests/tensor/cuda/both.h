// An operation on the CPU and on a GPU, side by side: over the stand-in for CUDA, or where there is a GPU.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <vector>

#include "runtime/core/rng.h"
#include "runtime/tensor/arena.h"
#include "runtime/tensor/cuda/cuda_operations.h"
#include "runtime/tensor/operations.h"

namespace sterna::tensor::cuda {

using Values = std::vector<float>;
using Results = std::vector<Values>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr double kUnit = 0x1p-24;  // half an ulp of 1

// Lengths around those of vectors, warps and blocks, and one whose threads take turns.
inline constexpr std::size_t kLengths[] = {1, 7, 8, 9, 31, 33, 257, 1000, 262147};

inline Values normal_values(std::size_t elements, std::uint64_t stream, float scale = 1.0f) {
  Values values(elements);
  for (std::size_t i = 0; i < elements; ++i) values[i] = scale * random_normal({.seed = stream}, i);
  return values;
}

// With what an operation may treat in a way of its own at some places.
inline Values unusual_values(std::size_t elements, std::uint64_t stream) {
  constexpr float kUnusual[] = {0.0f, -0.0f, kInfinity, -kInfinity, kNan, 1e-42f, -1e-42f};
  Values values = normal_values(elements, stream);
  for (std::size_t i = stream; i < elements; i += 3) values[i] = kUnusual[i % std::size(kUnusual)];
  return values;
}

inline Values magnitudes(Values values) {
  for (float& value : values) value = std::abs(value);
  return values;
}

inline TensorForm plain(const Shape& shape) {
  return {.shape = shape, .blocks = nullptr};
}

// One implementation, and memory of it for the length of a test.
class Workshop {
 public:
  explicit Workshop(Operations& with) : operations(with), arena(with) {}

  template <typename Element>
  std::span<Element> upload(const std::vector<Element>& values) {
    kept_.push_back(operations.reserve(values.size() * sizeof(Element)));
    const std::span<Element> there(reinterpret_cast<Element*>(kept_.back().get()), values.size());
    operations.copy_from_host(std::span<const Element>(values), there);
    return there;
  }
  // Full of NaN: what is not overwritten shows.
  std::span<float> output(std::size_t elements) { return upload(Values(elements, kNan)); }

  Tensor tensor(const TensorForm& form, const Values& values) {
    forms_.push_back(form);
    EXPECT_EQ(values.size(), form.storage_elements());
    return {&forms_.back(), upload(values).data()};
  }
  Tensor output(const TensorForm& form) { return tensor(form, Values(form.storage_elements(), kNan)); }

  Values download(std::span<const float> values) {
    Values host(values.size());
    operations.copy_to_host(values, std::span(host));
    return host;
  }
  Values download(ConstTensor tensor) { return download(tensor.storage()); }

  Operations& operations;
  Arena arena;

 private:
  std::vector<Memory> kept_;
  std::deque<TensorForm> forms_;
};

// Those of device 0, one for the whole program.
Operations& device_operations();

template <typename Run>
Results results_of(Operations& operations, const Run& run) {
  Workshop workshop(operations);
  Results results = run(workshop);
  operations.wait();
  return results;
}

inline std::vector<std::uint32_t> bits_of(const Values& values) {
  std::vector<std::uint32_t> bits(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Which NaN it is, nobody promises.
    const float value = std::isnan(values[i]) ? kNan : values[i];
    std::memcpy(&bits[i], &value, sizeof value);
  }
  return bits;
}

// run(workshop) returns what it has downloaded.
template <typename Run>
void expect_same_bits(const Run& run) {
  const Results expected = results_of(cpu_operations(), run);
  const Results found = results_of(device_operations(), run);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(bits_of(found[i]), bits_of(expected[i])) << "result " << i;
  }
}

// Element by element, NaN where the CPU has NaN, infinity where it has infinity.
//   allowed(result, element)  how far they may be apart
template <typename Run, typename Allowed>
void expect_near(const Run& run, const Allowed& allowed) {
  const Results expected = results_of(cpu_operations(), run);
  const Results found = results_of(device_operations(), run);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].size(), expected[i].size()) << "result " << i;
    for (std::size_t at = 0; at < found[i].size(); ++at) {
      const float value = found[i][at];
      const float wanted = expected[i][at];
      if (std::isnan(wanted) && std::isnan(value)) continue;
      if (std::isinf(wanted) && value == wanted) continue;
      ASSERT_NEAR(value, wanted, allowed(i, at)) << "result " << i << ", element " << at;
    }
  }
}

// Sums of `terms` products: run(workshop, change) computes them of its inputs changed by change(values), and
// the same of magnitudes bounds what roundings add up to. Each of the two implementations rounds every term
// and every sum once, in orders of their own.
template <typename Run>
void expect_near_sums(std::size_t terms, const Run& run) {
  const auto of_values = [&](Workshop& workshop) {
    return run(workshop, [](Values values) { return values; });
  };
  const Results bound =
      results_of(cpu_operations(), [&](Workshop& workshop) { return run(workshop, magnitudes); });
  expect_near(of_values, [&](std::size_t result, std::size_t element) {
    return 2.0 * static_cast<double>(terms + 2) * kUnit * static_cast<double>(bound[result][element]) + 1e-37;
  });
}

}  // namespace sterna::tensor::cuda
