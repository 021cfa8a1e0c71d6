#include "sterna/exchange.h"

#include <algorithm>

#include "library/calls.h"
#include "library/settings.h"
#include "library/world.h"
#include "runtime/bucket/bucket.h"
#include "runtime/collectives/agreement.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/exchange.h"

namespace sterna {
class Exchange::Implementation {
 public:
  Implementation(collectives::Communicator& comm, std::span<const Parameter> parameters,
                 const ExchangeSettings& settings)
      : comm_(comm) {
    collectives::agree(comm, mistake_of([&] {
                         table_ = table_of(parameters);
                         options_ = options_of(settings, comm.ranks());
                         exchange_ = std::make_unique<exchange::GradientExchange>(comm, table_, options_);
                         buckets_ = bucket::plan_buckets(table_, bucket::kFirstBucketBytes);
                         if (std::string why = exchange_->why_too_long(buckets_); !why.empty())
                           throw ConfigError(why);
                       }));
    collectives::require_equal(comm, "exchange", describe(options_, table_, "in the host's memory"));
    calls_ = std::make_unique<Calls>(comm, table_, exchange_->local_learners());
    gradients_.assign(local().count, AlignedVector<float>(table_.arena_elements(), 0.0f));
    mean_.assign(table_.arena_elements(), 0.0f);
  }

  Sent reduce_to_mean(std::span<const std::span<float>> gradients) {
    calls_->require(gradients);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      std::ranges::copy(gradients[i], gradient(i / table_.size(), i % table_.size()).begin());
    }
    const auto step = [&] {
      for (const bucket::GradientBucket& bucket : buckets_) {
        (void)exchange_->reduce_to_mean(bucket, steps(), gradients_, mean_);
      }
    };
    const auto traffic_of = [&](std::size_t i) -> const exchange::LayerTraffic& {
      return exchange_->traffic(i);
    };
    const Sent sent = calls_->run_step(step, traffic_of);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      std::ranges::copy(mean(i % table_.size()), gradients[i].begin());
    }
    return sent;
  }

  void set_compression(bool is_on) { exchange_->set_compression(is_on); }

  // Whether MPI may still read and write what this holds.
  [[nodiscard]] bool is_in_use() const { return comm_.has_given_up(); }

  [[nodiscard]] std::uint64_t steps() const { return calls_->steps(); }
  [[nodiscard]] std::uint32_t learners() const { return options_.learners; }
  [[nodiscard]] const exchange::LocalLearners& local() const { return exchange_->local_learners(); }

  [[nodiscard]] bool is_compressed(std::size_t parameter) const {
    calls_->require_parameter(parameter);
    return exchange_->is_compressed(parameter);
  }

 private:
  std::span<float> gradient(std::size_t local_learner, std::size_t parameter) {
    return table_.slice(std::span<float>(gradients_[local_learner]), parameter);
  }
  std::span<const float> mean(std::size_t parameter) const {
    return table_.slice(std::span<const float>(mean_), parameter);
  }

  const collectives::Communicator& comm_;
  tensor::ParameterTable table_;
  exchange::ExchangeOptions options_;
  std::unique_ptr<exchange::GradientExchange> exchange_;
  std::vector<bucket::GradientBucket> buckets_;
  std::vector<AlignedVector<float>> gradients_;  // by local learner
  AlignedVector<float> mean_;
  std::unique_ptr<Calls> calls_;
};

Exchange::Exchange(World& world, std::vector<Parameter> parameters, const ExchangeSettings& settings)
    : implementation_(std::make_unique<Implementation>(*world.implementation_->comm, parameters, settings)) {}

// Memory that MPI may use stays: a peer that comes late must not meet what took its place.
Exchange::~Exchange() {
  if (implementation_->is_in_use()) static_cast<void>(implementation_.release());
}

Sent Exchange::reduce_to_mean(std::span<const std::span<float>> gradients) {
  return implementation_->reduce_to_mean(gradients);
}

void Exchange::set_compression(bool is_on) {
  implementation_->set_compression(is_on);
}

std::uint64_t Exchange::steps() const noexcept {
  return implementation_->steps();
}

std::uint32_t Exchange::learners() const noexcept {
  return implementation_->learners();
}

std::uint32_t Exchange::local_learners() const noexcept {
  return implementation_->local().count;
}

std::uint32_t Exchange::first_learner() const noexcept {
  return implementation_->local().first;
}

bool Exchange::is_compressed(std::size_t parameter) const {
  return implementation_->is_compressed(parameter);
}

}  // namespace sterna
