#include "library/calls.h"

namespace sterna {

void Calls::require_usable() const {
  if (!has_failed_) return;
  throw ConfigError(
      cat("[exchange] step ", steps_,
          ": failed before, and ranks are not in step any more; end the job, with World::abort()"));
}

void Calls::require(std::span<const std::span<float>> gradients) const {
  require_usable();
  const std::size_t wanted = table_.size() * local_.count;
  if (gradients.size() != wanted) {
    throw ConfigError(cat("[exchange] gradients = ", gradients.size(), ": must be ", wanted, ", ",
                          table_.size(), " parameters of ", local_.count, " local learners"));
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const tensor::Parameter& parameter = table_[i % table_.size()];
    if (gradients[i].size() == parameter.elements) continue;
    throw ConfigError(cat("[exchange] ", name_of(i), " = ", gradients[i].size(),
                          " elements: must be as long as the parameter, ", parameter.elements));
  }
}

std::string Calls::name_of(std::size_t gradient) const {
  return cat("gradient of ", table_[gradient % table_.size()].name, ", learner ",
             local_.first + gradient / table_.size());
}

void Calls::run(const std::function<void()>& call) {
  has_failed_ = true;  // unless all of it succeeds
  call();
  has_failed_ = false;
}

Sent Calls::run_step(const std::function<void()>& step,
                     const std::function<const exchange::LayerTraffic&(std::size_t)>& traffic_of) {
  const collectives::Traffic before = comm_.traffic();
  run(step);
  ++steps_;
  const collectives::Traffic& now = comm_.traffic();
  Sent sent{.wire_bytes = now.bytes_sent - before.bytes_sent,
            .wire_bytes_received = now.bytes_received - before.bytes_received,
            .network_bytes = now.network_bytes_sent - before.network_bytes_sent,
            .dense_bytes = table_.elements() * sizeof(float)};
  std::uint64_t payload_bytes = 0;
  std::uint64_t learners = 1;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const exchange::LayerTraffic& traffic = traffic_of(i);
    for (std::size_t bytes : traffic.payload_bytes) payload_bytes += bytes;
    learners = traffic.payload_bytes.size();
    sent.elements += traffic.elements_sent;
  }
  sent.payload_bytes = (payload_bytes + learners - 1) / learners;
  return sent;
}

void Calls::require_parameter(std::size_t parameter) const {
  if (parameter < table_.size()) return;
  throw ConfigError(cat("[exchange] parameter = ", parameter, ": must be below ", table_.size()));
}

}  // namespace sterna
