// GradientExchange (../exchange.h) on a GPU: gradients, what learners hold back, and payloads stay in its
// memory, from where they go to other ranks over NCCL. The same bits of payloads, residues and means.
//
// All of it is enqueued on the communicator's stream; the caller's stream waits for it, and it for the
// caller's. The host waits once in each bucket in which something has a length that the device finds out
// (kGathered, kLeaderIndexed), and at the beginning of a step for the end of the one before.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "runtime/bucket/bucket.h"
#include "runtime/collectives/communicator.h"
#include "runtime/exchange/exchange.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::exchange {

class DeviceGradientExchange final : public LayerExchange {
 public:
  // Communicator, of make_nccl(), and table must outlive the exchange. Throws ConfigError: also for what does
  // not work on a device, which are the sparse sum and two levels.
  DeviceGradientExchange(collectives::Communicator& comm, const tensor::ParameterTable& table,
                         const ExchangeOptions& options,
                         std::size_t bucket_bytes = bucket::kFirstBucketBytes);

  // Waits for what is under way, unless an exception is: then other ranks may not come, and the communicator
  // is abandoned.
  ~DeviceGradientExchange() override;
  DeviceGradientExchange(const DeviceGradientExchange&) = delete;
  DeviceGradientExchange& operator=(const DeviceGradientExchange&) = delete;

  // Replaces gradients by the mean over all learners of what their compressors make of them. Returns when all
  // of it is enqueued. Collective.
  //   step       optimizer steps taken so far
  //   gradients  [local learners * parameters], learner by learner; in the memory of the communicator's
  //              device, finite, and left alone until the exchange is done; arbitrary after an error
  //   after      a stream of that device, or null for its default one: gradients are final when it has come
  //              to its end as it is now, and the mean is there for what is enqueued on it from now on
  // Returns what this rank hands to the transport. Throws as wait() does of the step before; of this one,
  // where the host waits in it, DivergedError, WireError and CommError.
  WireBytes reduce_to_mean(std::uint64_t step, std::span<float* const> gradients, cudaStream_t after);

  // Returns when the last step is done. Throws DivergedError if a gradient was not finite, WireError,
  // CommError if the communicator has failed or its time limit is over.
  void wait();

  void set_compression(bool is_on) override;
  [[nodiscard]] bool is_compressed(std::size_t parameter) const override;
  [[nodiscard]] std::optional<double> rate(std::size_t parameter) const override;
  [[nodiscard]] const LayerTraffic& traffic(std::size_t parameter) const override;
  [[nodiscard]] bool is_on_two_levels() const override { return false; }
  [[nodiscard]] const LocalLearners& local_learners() const;

  // In device memory; final after wait().
  [[nodiscard]] std::span<const float> residue(std::size_t local_learner) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace sterna::exchange
