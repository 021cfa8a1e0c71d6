#include "sterna/exchange.h"

#include <algorithm>
#include <limits>

#include "library/settings.h"
#include "library/world.h"
#include "runtime/bucket/bucket.h"
#include "runtime/collectives/agreement.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/exchange.h"

namespace sterna {
namespace {

// An error of this rank, of its own or in what it was handed, as text; or "".
template <typename Call>
std::string mistake_of(Call&& call) {
  try {
    call();
  } catch (const ConfigError& mistake) {
    return mistake.what();
  }
  return "";
}

}  // namespace

class Exchange::Implementation {
 public:
  Implementation(collectives::Communicator& comm, std::span<const Parameter> parameters,
                 const ExchangeSettings& settings)
      : comm_(comm) {
    collectives::agree(comm, mistake_of([&] {
                         table_ = table_of(parameters);
                         options_ = options_of(settings, comm.ranks());
                         exchange_ = std::make_unique<exchange::GradientExchange>(comm, table_, options_);
                       }));
    collectives::require_equal(comm, "exchange", describe(options_, table_));
    buckets_ = bucket::plan_buckets(table_, bucket::kFirstBucketBytes);
    gradients_.assign(local().count, AlignedVector<float>(table_.arena_elements(), 0.0f));
    mean_.assign(table_.arena_elements(), 0.0f);
  }

  Sent reduce_to_mean(std::span<const std::span<float>> gradients) {
    require_usable();
    require_shapes(gradients);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      std::ranges::copy(gradients[i], gradient(i / table_.size(), i % table_.size()).begin());
    }
    const collectives::Traffic before = comm_.traffic();
    has_failed_ = true;  // unless all of it succeeds
    for (const bucket::GradientBucket& bucket : buckets_) {
      (void)exchange_->reduce_to_mean(bucket, steps_, gradients_, mean_);
    }
    has_failed_ = false;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      std::ranges::copy(mean(i % table_.size()), gradients[i].begin());
    }
    ++steps_;
    return sent_since(before);
  }

  void set_compression(bool is_on) { exchange_->set_compression(is_on); }

  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint32_t learners() const { return options_.learners; }
  [[nodiscard]] const exchange::LocalLearners& local() const { return exchange_->local_learners(); }

  [[nodiscard]] bool is_compressed(std::size_t parameter) const {
    if (parameter < table_.size()) return exchange_->is_compressed(parameter);
    throw ConfigError(cat("[exchange] parameter = ", parameter, ": must be below ", table_.size()));
  }

 private:
  void require_usable() const {
    if (!has_failed_) return;
    throw ConfigError(
        cat("[exchange] step ", steps_,
            ": failed before, and ranks are not in step any more; end the job, with World::abort()"));
  }

  void require_shapes(std::span<const std::span<float>> gradients) const {
    const std::size_t wanted = table_.size() * local().count;
    if (gradients.size() != wanted) {
      throw ConfigError(cat("[exchange] gradients = ", gradients.size(), ": must be ", wanted, ", ",
                            table_.size(), " parameters of ", local().count, " local learners"));
    }
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const tensor::Parameter& parameter = table_[i % table_.size()];
      if (gradients[i].size() == parameter.elements) continue;
      throw ConfigError(cat("[exchange] gradient of ", parameter.name, ", learner ",
                            local().first + i / table_.size(), " = ", gradients[i].size(),
                            " elements: must be as long as the parameter, ", parameter.elements));
    }
  }

  std::span<float> gradient(std::size_t local_learner, std::size_t parameter) {
    return table_.slice(std::span<float>(gradients_[local_learner]), parameter);
  }
  std::span<const float> mean(std::size_t parameter) const {
    return table_.slice(std::span<const float>(mean_), parameter);
  }

  [[nodiscard]] Sent sent_since(const collectives::Traffic& before) const {
    Sent sent{.wire_bytes = comm_.traffic().bytes_sent - before.bytes_sent,
              .wire_bytes_received = comm_.traffic().bytes_received - before.bytes_received,
              .network_bytes = comm_.traffic().network_bytes_sent - before.network_bytes_sent,
              .dense_bytes = table_.elements() * sizeof(float)};
    std::uint64_t payload_bytes = 0;
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const exchange::LayerTraffic& traffic = exchange_->traffic(i);
      for (std::size_t bytes : traffic.payload_bytes) payload_bytes += bytes;
      sent.elements += traffic.elements_sent;
    }
    sent.payload_bytes = (payload_bytes + options_.learners - 1) / options_.learners;
    return sent;
  }

  collectives::Communicator& comm_;
  tensor::ParameterTable table_;
  exchange::ExchangeOptions options_;
  std::unique_ptr<exchange::GradientExchange> exchange_;
  std::vector<bucket::GradientBucket> buckets_;
  std::vector<AlignedVector<float>> gradients_;  // by local learner
  AlignedVector<float> mean_;
  std::uint64_t steps_ = 0;
  bool has_failed_ = false;
};

Exchange::Exchange(World& world, std::vector<Parameter> parameters, const ExchangeSettings& settings)
    : implementation_(std::make_unique<Implementation>(*world.implementation_->comm, parameters, settings)) {}

Exchange::~Exchange() = default;

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
