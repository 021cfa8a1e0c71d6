// What the tests of compressors share: one learner's encoded step, in buffers that are exactly as long as its
// bytes.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include "compressors/compressor.h"
#include "compressors/decode.h"
#include "runtime/core/rng.h"

namespace sterna::compressors {

using Bytes = std::vector<std::byte>;
using Values = std::vector<float>;

inline constexpr auto kGuard = std::byte{0xa5};
inline constexpr std::size_t kGuardBytes = 64;

inline Bytes bytes_of(std::initializer_list<int> numbers) {
  Bytes bytes;
  for (const int number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

inline Values normal_values(std::size_t n, std::uint64_t seed) {
  Values values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = random_normal({.seed = seed}, i);
  return values;
}

struct Sent {
  Bytes indices;  // kLeaderIndexed, as the leader: its index section; kSummed: the shared one; else empty
  Bytes payload;
  std::size_t elements = 0;
};

// A buffer of `bytes` with guards behind it; take() checks that they are untouched.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t bytes) : bytes_(bytes + kGuardBytes, kGuard) {}

  std::span<std::byte> span() { return std::span(bytes_).first(bytes_.size() - kGuardBytes); }
  Bytes take(std::size_t used) {
    EXPECT_LE(used, span().size());
    for (std::size_t i = span().size(); i < bytes_.size(); ++i)
      EXPECT_EQ(bytes_[i], kGuard) << "past the span's end";
    return {bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(used)};
  }

 private:
  Bytes bytes_;
};

// Encodes as the leader where there is one. Checks that the gradient stays as it is.
inline Sent send(const Compressor& compressor, const Values& gradient, Values& residue,
                 const StepKey& key = {}) {
  GuardedBytes payload(compressor.max_payload_bytes());
  GuardedBytes indices(compressor.max_index_bytes());
  if (compressor.exchange() == Exchange::kLeaderIndexed) {
    const LeaderEncoded sent =
        compressor.encode_as_leader(gradient, residue, key, indices.span(), payload.span());
    return {indices.take(sent.index_bytes), payload.take(sent.payload_bytes), sent.elements_sent};
  }
  const std::size_t index_bytes = compressor.write_shared_indices(key, indices.span());
  const Encoded sent =
      compressor.encode(gradient, residue, indices.span().first(index_bytes), key, payload.span());
  return {indices.take(index_bytes), payload.take(sent.payload_bytes), sent.elements_sent};
}

// kLeaderIndexed: encodes at another learner's indices.
inline Sent follow(const Compressor& compressor, const Values& gradient, Values& residue,
                   const Bytes& indices) {
  GuardedBytes payload(compressor.max_payload_bytes());
  const Encoded sent = compressor.encode(gradient, residue, indices, {}, payload.span());
  return {indices, payload.take(sent.payload_bytes), sent.elements_sent};
}

inline Values decoded(const Compressor& compressor, const Sent& sent, std::size_t n) {
  Values out(n, -77.0f);  // decode() overwrites
  AlignedVector<float> scratch;
  decode(compressor, sent.indices, sent.payload, scratch, out);
  return out;
}

}  // namespace sterna::compressors
