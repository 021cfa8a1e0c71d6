#include "runtime/exchange/exchange.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "runtime/collectives/levels.h"
#include "runtime/core/clock.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/gathered.h"
#include "runtime/exchange/layer.h"
#include "runtime/exchange/message_limit.h"
#include "runtime/exchange/sparse_sum.h"
#include "runtime/exchange/summed.h"

namespace sterna::exchange {
namespace {

// Whether any exponent is all ones. Plain integer arithmetic over blocks, so that the loop runs at memory
// speed.
bool has_non_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7F800000u;
  constexpr std::size_t kBlock = 4096;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::size_t end = std::min(values.size(), begin + kBlock);
    std::uint32_t found = 0;
    for (std::size_t i = begin; i < end; ++i) {
      found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(values[i]) & kExponent) == kExponent);
    }
    if (found != 0) return true;
  }
  return false;
}

// Why sums over hosts, of this rank's communicator, could not keep the order; empty if they can.
std::string why_not_two_levels(const collectives::Communicator& comm, const ExchangeOptions& options) {
  if (options.sum_in_any_order)
    return "sum-order = any: the MPI library's sum knows no hosts; try sum-order = tree";
  const std::vector<int> host_of_rank = comm.hosts_by_rank();
  if (std::string why = collectives::why_not_two_levels(host_of_rank); !why.empty()) return why;
  const auto on_host = static_cast<std::uint32_t>(std::ranges::count(host_of_rank, host_of_rank.front()));
  const std::uint32_t hosts = static_cast<std::uint32_t>(comm.ranks()) / on_host;
  const std::uint32_t learners = options.learners / hosts;
  if (hosts == 1 || std::has_single_bit(learners)) return "";
  return cat(learners, " learners on each of ", hosts,
             " hosts: no power of two, so that a host's sum is no part of the sum ",
             "over all; try hierarchy = flat");
}

collectives::Levels make_levels(collectives::Communicator& comm, const ExchangeOptions& options) {
  if (options.hierarchy == Hierarchy::kFlat) return collectives::Levels(comm);
  const std::string why_not = why_not_two_levels(comm, options);
  if (options.hierarchy == Hierarchy::kHost) {
    if (!why_not.empty()) throw ConfigError(cat("[exchange] hierarchy = host: ", why_not));
    return collectives::Levels::two(comm);
  }
  if (!why_not.empty()) return collectives::Levels(comm);
  collectives::Levels two = collectives::Levels::two(comm);
  const bool gains = two.hosts() > 1 && two.ranks_per_host() > 1;
  return gains ? std::move(two) : collectives::Levels(comm);
}

}  // namespace

LocalLearners place_learners(std::uint32_t learners, int rank, int ranks, bool sum_in_any_order) {
  const auto p = static_cast<std::uint32_t>(ranks);
  if (learners == 0 || learners % p != 0) {
    throw ConfigError(
        cat("[exchange] learners = ", learners, " on ", ranks,
            " ranks: must be a positive multiple of the ranks; try learners = ", (learners / p + 1) * p));
  }
  const std::uint32_t each = learners / p;
  // One rank hosts the whole tree; more than one must host complete subtrees of it.
  if (!sum_in_any_order && ranks > 1 && !std::has_single_bit(each)) {
    throw ConfigError(
        cat("[exchange] learners = ", learners, " on ", ranks, " ranks: ", each,
            " learners a rank is no power of two, so sums cannot keep the order that gives the same ",
            "bits at any number of ranks; try learners = ", std::bit_ceil(each) * p, ", or sum-order = any"));
  }
  return {.first = static_cast<std::uint32_t>(rank) * each, .count = each};
}

std::size_t mean_payload_bytes(const LayerTraffic& traffic) {
  const std::size_t learners = traffic.payload_bytes.size();
  const std::size_t sum =
      std::accumulate(traffic.payload_bytes.begin(), traffic.payload_bytes.end(), std::size_t{0});
  return (sum + learners - 1) / learners;
}

double ExchangeRecord::exchange_seconds() const {
  double seconds = 0.0;
  for (const Interval& interval : under_way) seconds += interval.seconds();
  return seconds;
}

double ExchangeRecord::exchange_seconds_within(const Interval& waiting) const {
  double seconds = 0.0;
  for (const Interval& interval : under_way) seconds += interval.seconds_within(waiting);
  return seconds;
}

WireBytes& WireBytes::operator+=(const WireBytes& other) {
  values += other.values;
  indices += other.indices;
  headers += other.headers;
  padding += other.padding;
  forwarded += other.forwarded;
  return *this;
}

ExchangeRecord& ExchangeRecord::operator+=(const ExchangeRecord& other) {
  compress_seconds += other.compress_seconds;
  under_way.insert(under_way.end(), other.under_way.begin(), other.under_way.end());
  exposed_seconds += other.exposed_seconds;
  sent += other.sent;
  return *this;
}

class GradientExchange::Implementation {
 public:
  Implementation(collectives::Communicator& comm, const tensor::ParameterTable& table,
                 const ExchangeOptions& options)
      : table_(table),
        options_(options),
        local_(place_learners(options.learners, comm.rank(), comm.ranks(), options.sum_in_any_order)),
        levels_(make_levels(comm, options)),
        layers_(plan_layers(table, options)),
        residues_(local_.count) {
    // Each parameter by itself, for buckets are not known yet.
    if (std::string why = why_too_long(bucket::plan_buckets(table, /*bucket_bytes=*/1)); !why.empty())
      throw ConfigError(why);
    bool has_residue = false;
    for (const Layer& layer : layers_) has_residue = has_residue || layer.configured->has_residue();
    if (!has_residue) return;
    for (AlignedVector<float>& residue : residues_) residue.assign(table.arena_elements(), 0.0f);
  }

  ExchangeRecord reduce_to_mean(const bucket::GradientBucket& bucket, std::uint64_t step,
                                std::span<const AlignedVector<float>> gradients, std::span<float> mean,
                                SpanLog* spans) {
    STERNA_CHECK(gradients.size() == local_.count);
    Span span(spans, "exchange", step);
    span.set("bucket", bucket.index);
    span.set("parameters", bucket.parameters.size());
    span.set("first_parameter", table_[bucket.parameters.front()].name.c_str());
    bucket_layers_.clear();
    for (std::size_t parameter : bucket.parameters) bucket_layers_.push_back(&layers_[parameter]);
    const BucketStep work{.table = table_,
                          .bucket = static_cast<std::uint32_t>(bucket.index),
                          .step = step,
                          .learners = options_.learners,
                          .leader = leader(step),
                          .local = local_,
                          .sum_in_any_order = options_.sum_in_any_order,
                          .layers = bucket_layers_,
                          .gradients = gradients,
                          .residues = residues_,
                          .mean = mean,
                          .spans = spans};
    ExchangeRecord record;
    const std::uint64_t sent_before = levels_.all().traffic().bytes_sent;
    const Stopwatch check_clock;
    require_finite(work);
    record.compress_seconds += work.ended("check", check_clock).seconds();
    summed_.run(levels_, work, record);
    if (options_.gather == Gather::kSparseSum) {
      sparse_sum_.run(levels_, work, record);
    } else {
      gathered_.run(levels_, work, record);
    }
    STERNA_CHECK(record.sent.total() == (levels_.all().traffic().bytes_sent - sent_before));
    span.set("bytes_sent", record.sent.total());
    return record;
  }

  [[nodiscard]] std::string why_too_long(std::span<const bucket::GradientBucket> buckets) const {
    return exchange::why_too_long({.table = table_,
                                   .layers = layers_,
                                   .gather = options_.gather,
                                   .learners = options_.learners,
                                   .local_learners = local_.count},
                                  buckets);
  }

  void set_compression(bool is_on) {
    for (Layer& layer : layers_) layer.is_on = is_on;
  }

  void set_methods(std::span<const Method> by_parameter) {
    STERNA_CHECK(by_parameter.size() == layers_.size());
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i].set_method(by_parameter[i]);
  }

  [[nodiscard]] std::uint32_t leader(std::uint64_t step) const { return leader_at(step, options_); }

  void empty_residues() {
    for (AlignedVector<float>& residue : residues_) std::ranges::fill(residue, 0.0f);
  }

  [[nodiscard]] const Layer& layer(std::size_t parameter) const { return layers_[parameter]; }
  [[nodiscard]] const LocalLearners& local() const { return local_; }
  [[nodiscard]] bool is_on_two_levels() const { return levels_.are_two(); }
  [[nodiscard]] std::span<const float> residue(std::size_t local_learner) const {
    return residues_[local_learner];
  }

 private:
  void require_finite(const BucketStep& work) const {
    for (std::size_t local = 0; local < local_.count; ++local) {
      for (const Layer* layer : work.layers) {
        if (!has_non_finite(work.gradient(local, *layer))) continue;
        throw not_finite(work.step, table_[layer->parameter].name,
                         local_.first + static_cast<std::uint32_t>(local));
      }
    }
  }

  const tensor::ParameterTable& table_;
  ExchangeOptions options_;
  LocalLearners local_;
  collectives::Levels levels_;
  std::vector<Layer> layers_;                   // by parameter
  std::vector<AlignedVector<float>> residues_;  // by local learner
  std::vector<Layer*> bucket_layers_;
  SummedExchange summed_;
  GatheredExchange gathered_;
  SparseSumExchange sparse_sum_;
};

GradientExchange::GradientExchange(collectives::Communicator& comm, const tensor::ParameterTable& table,
                                   const ExchangeOptions& options)
    : implementation_(std::make_unique<Implementation>(comm, table, options)) {}

GradientExchange::~GradientExchange() = default;

ExchangeRecord GradientExchange::reduce_to_mean(const bucket::GradientBucket& bucket, std::uint64_t step,
                                                std::span<const AlignedVector<float>> gradients,
                                                std::span<float> mean, SpanLog* spans) {
  return implementation_->reduce_to_mean(bucket, step, gradients, mean, spans);
}

std::string GradientExchange::why_too_long(std::span<const bucket::GradientBucket> buckets) const {
  return implementation_->why_too_long(buckets);
}

void GradientExchange::set_compression(bool is_on) {
  implementation_->set_compression(is_on);
}

void GradientExchange::set_methods(std::span<const Method> by_parameter) {
  implementation_->set_methods(by_parameter);
}

bool GradientExchange::is_compressed(std::size_t parameter) const {
  return implementation_->layer(parameter).is_compressed;
}

std::optional<double> GradientExchange::rate(std::size_t parameter) const {
  return implementation_->layer(parameter).configured->rate();
}

const compressors::Compressor& GradientExchange::compressor(std::size_t parameter) const {
  return implementation_->layer(parameter).active();
}

std::uint32_t GradientExchange::leader(std::uint64_t step) const {
  return implementation_->leader(step);
}

const LocalLearners& GradientExchange::local_learners() const {
  return implementation_->local();
}

bool GradientExchange::is_on_two_levels() const {
  return implementation_->is_on_two_levels();
}

const LayerTraffic& GradientExchange::traffic(std::size_t parameter) const {
  return implementation_->layer(parameter).traffic;
}

std::span<const float> GradientExchange::residue(std::size_t local_learner) const {
  return implementation_->residue(local_learner);
}

void GradientExchange::empty_residues() {
  implementation_->empty_residues();
}

}  // namespace sterna::exchange
