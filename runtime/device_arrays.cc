#include "runtime/device_arrays.h"

#include "runtime/core/errors.h"

namespace sterna {

DeviceArrays::DeviceArrays(tensor::Operations& operations, const models::Model& model,
                           const DeviceLearners& learners)
    : operations_(operations) {
  const std::size_t elements = model.parameters().arena_elements();
  const std::size_t statistics = model.statistics().arena_elements();
  values_ = reserve(elements);
  const std::uint32_t gradients = learners.has_gradient_each ? learners.count : 1;
  for (std::uint32_t i = 0; i < gradients; ++i) gradients_.push_back(reserve(elements));
  for (std::uint32_t i = 0; i < learners.count; ++i) statistics_.push_back(reserve(statistics));
  evaluation_statistics_ = reserve(statistics);
}

std::span<float> DeviceArrays::reserve(std::size_t elements) {
  const tensor::Memory& memory = memory_.emplace_back(operations_.reserve(elements * sizeof(float)));
  return {reinterpret_cast<float*>(memory.get()), elements};
}

models::PassArenas DeviceArrays::arenas(std::uint32_t local_learner) {
  return {.values = values_, .gradients = gradient(local_learner), .statistics = statistics_[local_learner]};
}

models::PassArenas DeviceArrays::evaluation_arenas(std::span<const float> statistics) {
  STERNA_CHECK(statistics.size() == evaluation_statistics_.size());
  operations_.copy_from_host<float>(statistics, evaluation_statistics_);
  return {.values = values_, .statistics = evaluation_statistics_};
}

void DeviceArrays::load(std::span<const float> values, std::span<const AlignedVector<float>> statistics) {
  operations_.copy_from_host<float>(values, values_);
  for (std::size_t i = 0; i < statistics_.size(); ++i) {
    operations_.copy_from_host<float>(statistics[i], statistics_[i]);
  }
}

void DeviceArrays::load_mean(std::span<const float> mean) {
  operations_.copy_from_host<float>(mean, gradients_.front());
}

void DeviceArrays::fetch_values(std::span<float> values) const {
  operations_.copy_to_host<float>(values_, values);
}

void DeviceArrays::fetch_gradient(std::uint32_t local_learner, std::span<float> to) const {
  operations_.copy_to_host<float>(gradient(local_learner), to);
}

void DeviceArrays::fetch_statistics(std::span<AlignedVector<float>> statistics) const {
  for (std::size_t i = 0; i < statistics_.size(); ++i) {
    operations_.copy_to_host<float>(statistics_[i], statistics[i]);
  }
}

}  // namespace sterna
