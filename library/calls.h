// What calls of reduce_to_mean have in common, wherever gradients lie. Internal to the library.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "runtime/collectives/communicator.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/exchange.h"
#include "runtime/tensor/parameter_table.h"
#include "sterna/exchange.h"

namespace sterna {

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

class Calls {
 public:
  // All of it outlives this.
  Calls(const collectives::Communicator& comm, const tensor::ParameterTable& table,
        const exchange::LocalLearners& local)
      : comm_(comm), table_(table), local_(local) {}

  // Throws ConfigError if an earlier call has failed.
  void require_usable() const;

  // Throws ConfigError as well if a gradient is missing or of another length.
  void require(std::span<const std::span<float>> gradients) const;

  // The name of gradient i, with its learner, for errors.
  [[nodiscard]] std::string name_of(std::size_t gradient) const;

  // Runs what communicates: if it throws, all later calls are refused.
  void run(const std::function<void()>& call);

  // Runs a step, and returns what it sent.
  //   traffic_of  each parameter's, once the step has run
  [[nodiscard]] Sent run_step(const std::function<void()>& step,
                              const std::function<const exchange::LayerTraffic&(std::size_t)>& traffic_of);

  [[nodiscard]] std::uint64_t steps() const { return steps_; }

  // Throws ConfigError if there is no such parameter.
  void require_parameter(std::size_t parameter) const;

 private:
  const collectives::Communicator& comm_;
  const tensor::ParameterTable& table_;
  const exchange::LocalLearners& local_;
  std::uint64_t steps_ = 0;
  bool has_failed_ = false;
};

}  // namespace sterna
