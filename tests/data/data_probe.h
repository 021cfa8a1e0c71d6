// What the tests of data sets share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/dataset.h"
#include "tests/support/scratch_directory.h"

namespace sterna::test {

// Returns a batch of just these samples.
inline data::Batch samples_of(const data::Dataset& dataset, data::Split split,
                              const std::vector<std::uint32_t>& numbers, std::uint32_t epoch = 0) {
  data::Batch batch = data::make_batch(dataset.sample_shape(), numbers.size());
  dataset.read(split, epoch, numbers, batch);
  return batch;
}

// Each training sample's label(), which must be that of what is read.
inline std::vector<std::int32_t> training_labels(const data::Dataset& dataset) {
  const std::size_t samples = dataset.samples(data::Split::kTrain);
  std::vector<std::int32_t> labels;
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < samples; ++number) {
    labels.push_back(dataset.label(number));
    numbers.push_back(number);
  }
  EXPECT_EQ(labels, samples_of(dataset, data::Split::kTrain, numbers).labels);
  return labels;
}

// Returns the message with which a data set is refused; it must be one line.
inline std::string refusal_of(std::string_view name, const data::DatasetOptions& options) {
  const std::string message = message_of<ConfigError>([&] { (void)data::make_dataset(name, options); });
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_TRUE(message.starts_with("[data] ")) << message;
  return message;
}

}  // namespace sterna::test
