// From the gradients of this rank's learners to the mean over all learners. The only place that knows both
// compressors and collectives, and the only one that divides by the number of learners L.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/bucket/bucket.h"
#include "runtime/collectives/communicator.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/clock.h"
#include "runtime/core/spans.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::exchange {

// What --dense-layers is unless it is given: biases and normalisation; the first convolution is dense
// besides.
inline constexpr char kDefaultDenseLayers[] = "first convolution, biases, normalisation";

// Throws ConfigError unless it is a regular expression, empty, or the default above.
void check_dense_layers(const std::string& dense_layers);

// How the payloads of kGathered compressors become a mean.
enum class Gather {
  kAll,        // every rank receives all of them
  kSparseSum,  // each element goes to one owner, who sums it and selects anew: see sparse_sum.h
};

// Whether the ranks of a host first work together, and one of them speaks to other hosts: see
// collectives/levels.h.
enum class Hierarchy {
  kAuto,  // where there are several hosts with several ranks each, and the bits allow it
  kFlat,  // every rank speaks to every other
  kHost,  // on hosts, or not at all
};

struct ExchangeOptions {
  std::string compressor = "none";
  compressors::Options settings;
  std::string layer_rates = "none";  // a rate of its own for each layer: see layer_rates.h
  // Or a regular expression (ECMAScript), searched in a parameter's name; empty: no layer stays dense.
  std::string dense_layers = kDefaultDenseLayers;
  std::uint32_t learners = 1;  // L
  bool sum_in_any_order = false;
  bool is_leader_first = false;  // learner 0 leads at every step: a control, see leader() below
  Gather gather = Gather::kAll;
  Hierarchy hierarchy = Hierarchy::kAuto;
};

// How a layer travels.
enum class Method : std::uint8_t {
  kDense,       // as float32
  kFloat16,     // as fp16 has it
  kConfigured,  // through ExchangeOptions::compressor
};

// Which learners a rank hosts: L / P consecutive ones.
struct LocalLearners {
  std::uint32_t first = 0;
  std::uint32_t count = 1;
};

// Throws ConfigError if P does not divide L, or if L / P is not a power of two on more than one rank while
// sums are to be in tree order.
[[nodiscard]] LocalLearners place_learners(std::uint32_t learners, int rank, int ranks,
                                           bool sum_in_any_order);

// What one layer's exchange carried.
struct LayerTraffic {
  std::vector<std::size_t> payload_bytes;  // [L], by learner; the leader's counts its index section
  std::size_t elements_sent = 0;           // by this rank's first learner
};

// Mean over learners, rounded up.
[[nodiscard]] std::size_t mean_payload_bytes(const LayerTraffic& traffic);

// What this rank handed to the transport, every copy counted, by what the bytes are.
struct WireBytes {
  std::uint64_t values = 0;
  std::uint64_t indices = 0;  // AdaComp's codes, which are index and sign in one, among them
  std::uint64_t headers = 0;  // of messages, with the lengths that go before them
  std::uint64_t padding = 0;  // of index messages, to a length that all ranks know
  // What others had to say: on two levels a host's speaker passes gathered payloads on.
  std::uint64_t forwarded = 0;

  [[nodiscard]] std::uint64_t total() const { return values + indices + headers + padding + forwarded; }
  WireBytes& operator+=(const WireBytes& other);
};

// What a bucket's exchange, or all of a step, took.
struct ExchangeRecord {
  double compress_seconds = 0.0;    // encode and decode
  std::vector<Interval> under_way;  // when blocks were, one interval after the other
  double exposed_seconds = 0.0;     // of the intervals: while compute waited
  WireBytes sent{};

  [[nodiscard]] double exchange_seconds() const;

  // The part of exchange_seconds() that lies within `waiting`.
  [[nodiscard]] double exchange_seconds_within(const Interval& waiting) const;

  ExchangeRecord& operator+=(const ExchangeRecord& other);
};

// What is asked of an exchange about its layers, wherever their gradients lie.
class LayerExchange {
 public:
  virtual ~LayerExchange() = default;

  // Off: every layer travels dense, and residues rest. On at first.
  virtual void set_compression(bool is_on) = 0;

  // Whether a compressor other than none is this parameter's.
  [[nodiscard]] virtual bool is_compressed(std::size_t parameter) const = 0;

  // The rate that the settings give this parameter; none where its compressor has no rate.
  [[nodiscard]] virtual std::optional<double> rate(std::size_t parameter) const = 0;

  // What the last exchange of this parameter carried.
  [[nodiscard]] virtual const LayerTraffic& traffic(std::size_t parameter) const = 0;

  // Whether the ranks of a host work together before one of them speaks to other hosts.
  [[nodiscard]] virtual bool is_on_two_levels() const = 0;
};

class GradientExchange final : public LayerExchange {
 public:
  // The communicator, which knows its hosts by now, and the table must outlive the exchange. Throws
  // ConfigError.
  GradientExchange(collectives::Communicator& comm, const tensor::ParameterTable& table,
                   const ExchangeOptions& options);
  ~GradientExchange() override;

  // Overwrites the bucket's part of `mean` with the mean over all learners of what their compressors make of
  // their gradients. Collective.
  //   step       optimizer steps taken so far
  //   gradients  one arena for each of this rank's learners
  //   mean       arena
  //   spans      of the calling thread: gets a span of the whole, and within it of its parts; or null
  // Throws DivergedError if a gradient is not finite, WireError, CommError.
  ExchangeRecord reduce_to_mean(const bucket::GradientBucket& bucket, std::uint64_t step,
                                std::span<const AlignedVector<float>> gradients, std::span<float> mean,
                                SpanLog* spans = nullptr);

  // Returns why messages of such buckets may be longer than their 32 bits of length can say, and what to try;
  // empty if none can. The same on every rank. A bucket of one parameter has been looked at already.
  [[nodiscard]] std::string why_too_long(std::span<const bucket::GradientBucket> buckets) const;

  void set_compression(bool is_on) override;

  // How each parameter travels while compression is on, from the next step on; kConfigured at first.
  // Parameters that stay dense do so whatever is said of them here. What a learner still owes of a parameter
  // that is not to be compressed any more travels with its next gradient. The same on every rank.
  void set_methods(std::span<const Method> by_parameter);

  [[nodiscard]] bool is_compressed(std::size_t parameter) const override;
  [[nodiscard]] const LocalLearners& local_learners() const;

  [[nodiscard]] std::optional<double> rate(std::size_t parameter) const override;

  // What this parameter travelled through in the last step, until set_compression() or set_methods() change
  // it.
  [[nodiscard]] const compressors::Compressor& compressor(std::size_t parameter) const;

  // The learner that chooses ScaleCom's indices at a step: step mod L, or 0 if is_leader_first.
  [[nodiscard]] std::uint32_t leader(std::uint64_t step) const;

  [[nodiscard]] const LayerTraffic& traffic(std::size_t parameter) const override;
  [[nodiscard]] bool is_on_two_levels() const override;

  // What one of this rank's learners holds back; an arena, or empty if the method holds back nothing.
  [[nodiscard]] std::span<const float> residue(std::size_t local_learner) const;

  // What all learners hold back is lost: each rank calls it between the same two steps.
  void empty_residues();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace sterna::exchange
