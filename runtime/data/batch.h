// One learner's samples of one step, and what a data set's samples look like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sterna::data {

// A label that counts for nothing: it pads the last batch of an evaluation to full length.
inline constexpr std::int32_t kNoLabel = -1;

// What one sample looks like; a model and a data set must agree on it.
struct SampleShape {
  // Extents of one sample: {channels, height, width}, {features} or {positions}.
  std::vector<std::size_t> input;
  std::size_t classes = 0;  // labels are in [0, classes)
  std::size_t labels = 1;   // labels of one sample: 1, or the positions of a sequence
  std::size_t symbols = 0;  // 0: inputs are real numbers; else they are integers in [0, symbols)

  bool operator==(const SampleShape&) const = default;
};

struct Batch {
  std::size_t samples = 0;            // B; the same for every batch of a run, short ones are padded
  std::vector<float> inputs;          // [B, input...], where inputs are real numbers
  std::vector<std::int32_t> symbols;  // [B, input...], where they are integers
  std::vector<std::int32_t> labels;   // [B, labels], kNoLabel where there is none
};

// Returns the product of a sample's input extents.
[[nodiscard]] std::size_t input_elements(const SampleShape& shape);

// Returns a batch whose vectors are as long as `samples` samples of that shape need: inputs and symbols are
// 0, labels kNoLabel.
[[nodiscard]] Batch make_batch(const SampleShape& shape, std::size_t samples);

}  // namespace sterna::data
