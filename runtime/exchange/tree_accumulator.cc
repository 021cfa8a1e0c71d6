#include "runtime/exchange/tree_accumulator.h"

#include "runtime/core/errors.h"

namespace sterna::exchange {

void TreeAccumulator::restart(std::size_t elements) {
  elements_ = elements;
  partials_.clear();
}

std::span<float> TreeAccumulator::next() {
  const std::size_t buffer = partials_.size();
  if (buffers_.size() <= buffer) buffers_.emplace_back();
  if (buffers_[buffer].size() < elements_) buffers_[buffer].resize(elements_);
  return std::span(buffers_[buffer]).first(elements_);
}

// Like carrying in a binary counter: two sums of equally many vectors become one.
void TreeAccumulator::push() {
  partials_.push_back({.buffer = partials_.size(), .vectors = 1});
  while (partials_.size() > 1 && partials_[partials_.size() - 2].vectors == partials_.back().vectors) {
    merge_last_two();
  }
}

std::span<float> TreeAccumulator::sum() {
  STERNA_CHECK(partials_.size() > 0u);
  // What is left are powers of two, falling: the tree joins the last ones first.
  while (partials_.size() > 1) merge_last_two();
  return std::span(buffers_[0]).first(elements_);
}

void TreeAccumulator::merge_last_two() {
  Partial& left = partials_[partials_.size() - 2];
  const Partial& right = partials_.back();
  float* into = buffers_[left.buffer].data();
  const float* from = buffers_[right.buffer].data();
  for (std::size_t i = 0; i < elements_; ++i) into[i] += from[i];
  left.vectors += right.vectors;
  partials_.pop_back();
}

}  // namespace sterna::exchange
