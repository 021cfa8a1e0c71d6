#include "runtime/exchange/device/device_exchange.h"

#include <algorithm>
#include <exception>
#include <vector>

#include "compressors/gpu/on_stream.h"
#include "runtime/collectives/nccl/device.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/device/bucket_step.h"
#include "runtime/exchange/device/gathered.h"
#include "runtime/exchange/device/summed.h"
#include "runtime/exchange/message_limit.h"

namespace sterna::exchange {
namespace {

const ExchangeOptions& checked(const ExchangeOptions& options) {
  if (options.gather == Gather::kSparseSum) {
    throw ConfigError(
        "[exchange] gather = sparse-sum on a GPU: must be all, as owners sum in the host's memory");
  }
  if (options.hierarchy == Hierarchy::kHost) {
    throw ConfigError("[exchange] hierarchy = host on a GPU: must be auto or flat, as NCCL knows the hosts");
  }
  return options;
}

// What the host uploads in a step: a header for each bucket, and drawn indices.
std::size_t upload_bytes(std::span<const Layer> layers, std::size_t buckets) {
  constexpr std::size_t kUploadAlignment = 64;
  std::size_t bytes = buckets * kUploadAlignment;
  for (const Layer& layer : layers) bytes += layer.configured->max_index_bytes() + kUploadAlignment;
  return bytes;
}

}  // namespace

class DeviceGradientExchange::Implementation {
 public:
  Implementation(collectives::Communicator& comm, const tensor::ParameterTable& table,
                 const ExchangeOptions& options, std::size_t bucket_bytes)
      : table_(table),
        options_(checked(options)),
        local_(place_learners(options.learners, comm.rank(), comm.ranks(), options.sum_in_any_order)),
        layers_(plan_layers(table, options)),
        kernels_(make_kernels(layers_)),
        buckets_(bucket::plan_buckets(table, bucket_bytes)),
        site_(comm, table.size(), local_.count, upload_bytes(layers_, buckets_.size())),
        gathered_(site_),
        summed_(site_),
        before_(collectives::make_event()),
        after_(collectives::make_event()),
        residues_(local_.count, nullptr) {
    require_short_messages();
    for (const bucket::GradientBucket& bucket : buckets_) {
      for (std::size_t parameter : bucket.parameters) in_order_.push_back(&layers_[parameter]);
    }
    make_residues();
  }

  ~Implementation() {
    if (std::uncaught_exceptions() > exceptions_before_) site_.comm.abandon();
    try {
      site_.stream.settle();
    } catch (const CommError&) {
      // It has been broken off: nothing is under way any more.
    }
  }

  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  WireBytes reduce_to_mean(std::uint64_t step, std::span<float* const> gradients, cudaStream_t after) {
    STERNA_CHECK(gradients.size() == (local_.count * table_.size()));
    wait();
    site_.stream.enter();
    let_wait(/*stream=*/site_.stream.stream(), /*for_stream=*/after, before_.get());
    site_.link.begin_step();
    step_ = step;
    is_under_way_ = true;
    const std::uint64_t sent_before = site_.comm.traffic().bytes_sent;
    WireBytes sent;
    for (const bucket::GradientBucket& bucket : buckets_) sent += exchange(bucket, gradients);
    STERNA_CHECK(sent.total() == (site_.comm.traffic().bytes_sent - sent_before));
    site_.link.fetch_verdicts();
    let_wait(/*stream=*/after, /*for_stream=*/site_.stream.stream(), after_.get());
    return sent;
  }

  void wait() {
    if (!is_under_way_) return;
    site_.stream.settle();
    is_under_way_ = false;
    require_accepted(site_.link, table_, step_, local_, in_order_);
  }

  void set_compression(bool is_on) {
    for (Layer& layer : layers_) layer.is_on = is_on;
  }

  [[nodiscard]] const Layer& layer(std::size_t parameter) const { return layers_[parameter]; }
  [[nodiscard]] const LocalLearners& local() const { return local_; }
  [[nodiscard]] std::span<const float> residue(std::size_t local_learner) const {
    if (residues_[local_learner] == nullptr) return {};
    return {residues_[local_learner], table_.arena_elements()};
  }

 private:
  void require_short_messages() const {
    const MessageScope scope{.table = table_,
                             .layers = layers_,
                             .gather = options_.gather,
                             .learners = options_.learners,
                             .local_learners = local_.count};
    if (std::string why = why_too_long(scope, buckets_); !why.empty()) throw ConfigError(why);
  }

  void make_residues() {
    const bool has_residue =
        std::ranges::any_of(layers_, [](const Layer& layer) { return layer.configured->has_residue(); });
    if (!has_residue) return;
    site_.stream.enter();
    for (float*& residue : residues_) {
      const std::size_t bytes = table_.arena_elements() * sizeof(float);
      residue_memory_.push_back(collectives::allocate_device(bytes));
      residue = reinterpret_cast<float*>(residue_memory_.back().get());
      site_.launch.zero(residue, bytes);
    }
  }

  // What is enqueued on `stream` from now on comes after what `for_stream` has to do now.
  static void let_wait(cudaStream_t stream, cudaStream_t for_stream, cudaEvent_t event) {
    device::check_cuda(cudaEventRecord(event, for_stream), "cudaEventRecord");
    device::check_cuda(cudaStreamWaitEvent(stream, event, 0), "cudaStreamWaitEvent");
  }

  WireBytes exchange(const bucket::GradientBucket& bucket, std::span<float* const> gradients) {
    bucket_layers_.clear();
    for (std::size_t parameter : bucket.parameters) bucket_layers_.push_back(&layers_[parameter]);
    const DeviceBucketStep work{.table = table_,
                                .bucket = static_cast<std::uint32_t>(bucket.index),
                                .step = step_,
                                .learners = options_.learners,
                                .leader = leader_at(step_, options_),
                                .local = local_,
                                .sum_in_any_order = options_.sum_in_any_order,
                                .layers = bucket_layers_,
                                .kernels = kernels_,
                                .gradients = gradients,
                                .residues = residues_};
    look_for_non_finite(work);
    // Gathered ones first: their wait tells of gradients that are not finite before any mean is written.
    WireBytes sent = gathered_.run(work);
    sent += summed_.run(work);
    return sent;
  }

  void look_for_non_finite(const DeviceBucketStep& work) {
    for (std::size_t local = 0; local < local_.count; ++local) {
      for (const Layer* layer : work.layers) {
        compressors::gpu::find_non_finite(site_.launch, std::span<const float>(work.gradient(local, *layer)),
                                          site_.link.is_not_finite(layer->parameter, local));
      }
    }
  }

  const int exceptions_before_ = std::uncaught_exceptions();
  const tensor::ParameterTable& table_;
  const ExchangeOptions options_;
  const LocalLearners local_;
  std::vector<Layer> layers_;          // by parameter
  std::vector<LayerKernels> kernels_;  // by parameter
  std::vector<bucket::GradientBucket> buckets_;
  std::vector<Layer*> in_order_;  // of the buckets
  std::vector<Layer*> bucket_layers_;
  DeviceSite site_;
  DeviceGathered gathered_;
  DeviceSummed summed_;
  collectives::Event before_;
  collectives::Event after_;
  std::vector<collectives::DeviceBytes> residue_memory_;
  std::vector<float*> residues_;  // arenas, by local learner; null if there are none
  std::uint64_t step_ = 0;
  bool is_under_way_ = false;
};

DeviceGradientExchange::DeviceGradientExchange(collectives::Communicator& comm,
                                               const tensor::ParameterTable& table,
                                               const ExchangeOptions& options, std::size_t bucket_bytes)
    : implementation_(std::make_unique<Implementation>(comm, table, options, bucket_bytes)) {}

DeviceGradientExchange::~DeviceGradientExchange() = default;

WireBytes DeviceGradientExchange::reduce_to_mean(std::uint64_t step, std::span<float* const> gradients,
                                                 cudaStream_t after) {
  return implementation_->reduce_to_mean(step, gradients, after);
}

void DeviceGradientExchange::wait() {
  implementation_->wait();
}

void DeviceGradientExchange::set_compression(bool is_on) {
  implementation_->set_compression(is_on);
}

bool DeviceGradientExchange::is_compressed(std::size_t parameter) const {
  return implementation_->layer(parameter).is_compressed;
}

std::optional<double> DeviceGradientExchange::rate(std::size_t parameter) const {
  return implementation_->layer(parameter).configured->rate();
}

const LocalLearners& DeviceGradientExchange::local_learners() const {
  return implementation_->local();
}

const LayerTraffic& DeviceGradientExchange::traffic(std::size_t parameter) const {
  return implementation_->layer(parameter).traffic;
}

std::span<const float> DeviceGradientExchange::residue(std::size_t local_learner) const {
  return implementation_->residue(local_learner);
}

}  // namespace sterna::exchange
