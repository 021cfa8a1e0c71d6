// The numbers of a run in a device's memory, where its model and optimizer work on them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/model.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/tensor/operations.h"

namespace sterna {

struct DeviceLearners {
  std::uint32_t count;  // of this rank
  // Whether their gradients stay there until all of them are exchanged; else the host takes each learner's
  // before the next one begins, and one arena serves them all.
  bool has_gradient_each;
};

class DeviceArrays {
 public:
  // All 0. The operations outlive them.
  DeviceArrays(tensor::Operations& operations, const models::Model& model, const DeviceLearners& learners);

  [[nodiscard]] models::PassArenas arenas(std::uint32_t local_learner);

  // Of an evaluation with these statistics, which lie in the host's memory.
  [[nodiscard]] models::PassArenas evaluation_arenas(std::span<const float> statistics);

  [[nodiscard]] std::span<float> values() const { return values_; }
  [[nodiscard]] std::span<float> gradient(std::uint32_t local_learner) const {
    return gradients_[gradients_.size() == 1 ? 0 : local_learner];
  }
  // Behind the exchange the mean lies where the first learner's gradient was.
  [[nodiscard]] std::span<float> mean() const { return gradients_.front(); }

  // Copies from and to the host's memory; each waits.
  void load(std::span<const float> values, std::span<const AlignedVector<float>> statistics);
  void load_mean(std::span<const float> mean);
  void fetch_values(std::span<float> values) const;
  void fetch_gradient(std::uint32_t local_learner, std::span<float> gradient) const;
  void fetch_statistics(std::span<AlignedVector<float>> statistics) const;

 private:
  [[nodiscard]] std::span<float> reserve(std::size_t elements);

  tensor::Operations& operations_;
  std::vector<tensor::Memory> memory_;
  std::span<float> values_;
  std::vector<std::span<float>> gradients_;   // one, or by local learner
  std::vector<std::span<float>> statistics_;  // by local learner
  std::span<float> evaluation_statistics_;
};

}  // namespace sterna
