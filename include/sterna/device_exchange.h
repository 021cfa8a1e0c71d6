// exchange.h for gradients that lie in a GPU's memory: they are compressed there, travel from there over
// NCCL, and become the mean there. The bits are those of Exchange.
//
//   sterna::World world;  // the ranks of `mpirun -np P`, a GPU each
//   sterna::DeviceExchange exchange(world, {{.name = "weight", .elements = 7840}}, {.compressor =
//   "adacomp"}); while (...) {
//     ...                                                 // backward, enqueued on `stream`
//     exchange.reduce_to_mean({weight_gradient}, stream);  // each a std::span<float> of device memory
//     ...                                                 // update, enqueued on `stream`
//   }
//
// Nothing here needs CUDA's headers: a cudaStream_t is a CUstream_st*.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sterna/exchange.h"

struct CUstream_st;

namespace sterna {

class STERNA_API DeviceExchange {
 public:
  // Keeps what its learners hold back in the GPU's memory, L / P floats for each element, and payloads.
  //   world       outlives the exchange
  //   parameters  as Exchange's, but of at most 2^31 elements each
  //   settings    as Exchange's, but for gather = kSparseSum and hierarchy = kHost, which are refused
  //   device      this rank's GPU, as CUDA counts; not given: the ranks of a host take its GPUs in turn. It
  //               becomes the calling thread's current one; no other call changes that
  // Collective. Throws AgreedConfigError as Exchange does, and where this build has no CUDA, where NCCL, a
  // driver or a GPU is missing, with the reason, and where two ranks would share a GPU; CommError.
  DeviceExchange(World& world, std::vector<Parameter> parameters, const ExchangeSettings& settings = {},
                 std::optional<int> device = {});

  // Waits for what is under way. While an exception is on its way it does not: others may not come.
  ~DeviceExchange();

  DeviceExchange(const DeviceExchange&) = delete;
  DeviceExchange& operator=(const DeviceExchange&) = delete;

  // As Exchange's, but that it returns when the work is enqueued. The host waits in it for the step before,
  // and where a compressor finds out lengths for these, once for each 4 MiB of gradients. Collective.
  //   gradients  as Exchange's, in the memory of device(); each is left alone until the mean is there
  //   stream     of device(), or null for its default one: what is on it now comes before, and what is
  //              enqueued on it from now on comes after
  // Throws ConfigError, before anything is sent, also if a gradient lies elsewhere. Throws DivergedError,
  // WireError and CommError of this step or the one before; gradients are arbitrary then. After any of these
  // three, further calls throw ConfigError.
  Sent reduce_to_mean(std::span<const std::span<float>> gradients, CUstream_st* stream);
  Sent reduce_to_mean(std::initializer_list<std::span<float>> gradients, CUstream_st* stream) {
    return reduce_to_mean(std::span<const std::span<float>>(gradients.begin(), gradients.size()), stream);
  }

  // Returns when the mean of the last step is there, or throws as reduce_to_mean() would. CUDA's own waits
  // have no time limit: they would wait for ever for a rank that is gone.
  void wait();

  // As Exchange's.
  void set_compression(bool is_on);

  [[nodiscard]] int device() const noexcept;  // this rank's, as CUDA counts
  [[nodiscard]] std::uint64_t steps() const noexcept;
  [[nodiscard]] std::uint32_t learners() const noexcept;
  [[nodiscard]] std::uint32_t local_learners() const noexcept;
  [[nodiscard]] std::uint32_t first_learner() const noexcept;
  [[nodiscard]] bool is_compressed(std::size_t parameter) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace sterna
