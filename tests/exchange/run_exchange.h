// A few steps of the exchange of a small network's gradients, on threads.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/bucket/bucket.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/rng.h"
#include "runtime/exchange/exchange.h"

namespace sterna::exchange {

// Two convolutions and a fully connected layer with a bias: each rule of what stays dense applies once.
inline tensor::ParameterTable small_network() {
  using enum tensor::ParameterKind;
  tensor::ParameterTable table;
  table.add({.name = "conv1.weight", .shape = {4, 1, 3, 3}, .kind = kConvolution, .initial_bound = 0.1});
  table.add({.name = "conv2.weight", .shape = {8, 4, 3, 3}, .kind = kConvolution, .initial_bound = 0.1});
  table.add({.name = "fc.weight", .shape = {10, 101}, .kind = kFullyConnected, .initial_bound = 0.1});
  table.add({.name = "fc.bias", .shape = {10}, .kind = kBias, .initial_bound = 0.1});
  return table;
}

// After a compressor's name: with the sparse sum.
inline constexpr std::string_view kSparseSum = "_sparse_sum";

// After "scalecom": with its low-pass filter, and with exact selection.
inline constexpr std::string_view kFiltered = "_filtered";

// Every compressor of the registry, those that choose elements once more with the sparse sum, and ScaleCom
// once more with its low-pass filter: options_for() knows them.
inline std::vector<std::string> ways_to_travel() {
  std::vector<std::string> names;
  for (const auto& entry : compressors::compressor_table()) names.emplace_back(entry.name);
  for (const std::string_view name : compressors::element_choosing_compressors()) {
    names.push_back(std::string(name).append(kSparseSum));
  }
  names.push_back(std::string("scalecom").append(kFiltered));
  return names;
}

inline ExchangeOptions options_for(std::string_view compressor, std::uint32_t learners) {
  ExchangeOptions options;
  if (compressor.ends_with(kSparseSum)) {
    options.gather = Gather::kSparseSum;
    compressor.remove_suffix(kSparseSum.size());
  }
  if (compressor.ends_with(kFiltered)) {
    options.settings.selection = compressors::Selection::kExact;
    options.settings.beta = 0.3f;
    compressor.remove_suffix(kFiltered.size());
  }
  options.compressor = compressor;
  options.settings.rate = 10;
  options.learners = learners;
  return options;
}

// The gradient of one learner at one step: a function of both alone.
inline AlignedVector<float> gradient(const tensor::ParameterTable& table, std::uint32_t learner,
                                     std::uint64_t step) {
  AlignedVector<float> arena(table.arena_elements(), 0.0f);
  for (std::size_t p = 0; p < table.size(); ++p) {
    const std::span<float> slice = table.slice(std::span<float>(arena), p);
    const RandomKey key{
        .learner = learner, .step = static_cast<std::uint32_t>(step), .layer = static_cast<std::uint16_t>(p)};
    for (std::size_t i = 0; i < slice.size(); ++i) slice[i] = random_normal(key, i);
  }
  return arena;
}

struct Outcome {
  std::vector<AlignedVector<float>> means;  // by step
  std::vector<std::size_t> payload_bytes;   // of the last step: by layer and learner
  std::uint64_t bytes_sent = 0;             // by all ranks
  std::uint64_t network_bytes_sent = 0;     // the part of it that went to other hosts
  WireBytes sent{};                         // the same, by what it is
};

// Runs some steps with L learners on P thread-ranks, so many of them on each host. `scale` multiplies every
// gradient, and those of one learner may all be zero.
inline Outcome run_with(const ExchangeOptions& options, int ranks, std::uint64_t steps,
                        std::size_t bucket_bytes, float scale, int ranks_per_host = 1,
                        std::optional<std::uint32_t> silent_learner = std::nullopt) {
  const tensor::ParameterTable table = small_network();
  Outcome outcome;
  std::mutex mutex;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    std::vector<int> host_of_rank;
    for (int rank = 0; rank < ranks; ++rank) host_of_rank.push_back(rank / ranks_per_host);
    comm.set_hosts(host_of_rank);
    GradientExchange exchange(comm, table, options);
    const auto buckets = bucket::plan_buckets(table, bucket_bytes);
    const LocalLearners local = exchange.local_learners();
    AlignedVector<float> mean(table.arena_elements(), 0.0f);
    WireBytes sent;
    for (std::uint64_t step = 0; step < steps; ++step) {
      std::vector<AlignedVector<float>> gradients;
      for (std::uint32_t learner = local.first; learner < local.first + local.count; ++learner) {
        gradients.push_back(gradient(table, learner, step));
        const float factor = learner == silent_learner ? 0.0f : scale;
        for (float& value : gradients.back()) value *= factor;
      }
      for (const auto& bucket : buckets) {
        sent += exchange.reduce_to_mean(bucket, step, gradients, mean).sent;
      }
      if (comm.rank() == 0) outcome.means.push_back(mean);
    }
    const std::scoped_lock lock(mutex);
    outcome.bytes_sent += comm.traffic().bytes_sent;
    outcome.network_bytes_sent += comm.traffic().network_bytes_sent;
    outcome.sent += sent;
    if (comm.rank() != 0) return;
    for (std::size_t p = 0; p < table.size(); ++p) {
      for (std::size_t bytes : exchange.traffic(p).payload_bytes) outcome.payload_bytes.push_back(bytes);
    }
  });
  return outcome;
}

}  // namespace sterna::exchange
