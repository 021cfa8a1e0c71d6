// Operations that treat every element alike, whatever the layout; they are bound by memory, not by
// arithmetic.
#pragma once

#include <span>

namespace sterna::tensor {

// output = max(input, 0); a NaN stays a NaN. Both may be the same memory.
void relu(std::span<const float> input, std::span<float> output);

// The backward side of max(., 0): clears the gradient where the output is 0, and keeps it where it is
// positive or NaN.
void mask_relu_gradient(std::span<const float> output, std::span<float> gradient);

// sum += addend.
void add(std::span<const float> addend, std::span<float> sum);

// Adds bias [columns] to each row of `rows` [samples, columns].
void add_to_rows(std::span<const float> bias, std::span<float> rows);

// sums[c] = sum over rows of rows[., c], first row first.
void sum_rows(std::span<const float> rows, std::span<float> sums);

}  // namespace sterna::tensor
