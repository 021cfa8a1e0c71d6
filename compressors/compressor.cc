#include "compressors/compressor.h"

#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

[[noreturn]] void fail_pattern(std::string_view function) {
  throw InternalError(
      cat("[compressors] ", function, "(): this compressor's exchange pattern has no such step"));
}

}  // namespace

std::size_t Compressor::write_shared_indices(const StepKey&, std::span<std::byte>) const {
  return 0;
}

LeaderEncoded Compressor::encode_as_leader(std::span<const float>, std::span<float>, const StepKey&,
                                           std::span<std::byte>, std::span<std::byte>) const {
  fail_pattern("encode_as_leader");
}

std::size_t Compressor::payload_values(std::span<const std::byte>) const {
  fail_pattern("payload_values");
}

void Compressor::scatter(std::span<const std::byte>, std::span<const float>, std::span<float>) const {
  fail_pattern("scatter");
}

void Compressor::accumulate(std::span<const std::byte>, std::span<float>) const {
  fail_pattern("accumulate");
}

void Compressor::read_elements(std::span<const std::byte>, std::vector<Element>&) const {
  fail_pattern("read_elements");
}

}  // namespace sterna::compressors
