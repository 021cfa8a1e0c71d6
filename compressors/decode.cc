#include "compressors/decode.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

void decode_gathered(const Compressor& compressor, std::span<const std::byte> indices,
                     std::span<const std::byte> payload, std::span<float> out) {
  if (!indices.empty()) {
    throw WireError(cat("[compressors] index section has ", indices.size(), " bytes, expected none"));
  }
  std::ranges::fill(out, 0.0f);
  compressor.accumulate(payload, out);
}

void decode_values(const Compressor& compressor, std::span<const std::byte> indices,
                   std::span<const std::byte> payload, AlignedVector<float>& scratch, std::span<float> out) {
  const std::size_t values = compressor.payload_values(indices);
  const std::size_t expected_bytes = values * numerics::bytes_per_value(compressor.value_format());
  if (payload.size() != expected_bytes) {
    throw WireError(cat("[compressors] payload has ", payload.size(), " bytes, expected ", expected_bytes,
                        " for ", values, " values"));
  }
  if (scratch.size() < values) scratch.resize(values);
  const std::span<float> unpacked = std::span(scratch).first(values);
  numerics::unpack_values(payload, compressor.value_format(), unpacked);
  compressor.scatter(indices, unpacked, out);
}

}  // namespace

void decode(const Compressor& compressor, std::span<const std::byte> indices,
            std::span<const std::byte> payload, AlignedVector<float>& scratch, std::span<float> out) {
  if (compressor.exchange() == Exchange::kGathered) {
    decode_gathered(compressor, indices, payload, out);
  } else {
    decode_values(compressor, indices, payload, scratch, out);
  }
}

}  // namespace sterna::compressors
