// A compressor's kernels, called as the compressor itself is: what the tests of kernels share.
//
// A machine is where kernels run, and the memory that they reach: HostMachine here, a GPU in cuda_machine.h.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "compressors/gpu/gpu_compressor.h"
#include "runtime/core/errors.h"
#include "runtime/device/host_context.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors::gpu {

// The engine. Pieces of memory are as long as what they are for, so that the address sanitizer knows their
// ends.
class HostMachine {
 public:
  using Launcher = device::HostLauncher;

  explicit HostMachine(std::uint64_t seed) : launcher_({.seed = seed}) {}

  Launcher& launcher() { return launcher_; }

  // A copy that kernels can reach, until release().
  template <typename T>
  std::span<T> upload(std::span<const T> values) {
    pieces_.push_back(Piece(static_cast<std::byte*>(::operator new(values.size_bytes(), kAlignment))));
    if (!values.empty()) std::memcpy(pieces_.back().get(), values.data(), values.size_bytes());
    return {reinterpret_cast<T*>(pieces_.back().get()), values.size()};
  }
  // What kernels have made of it, once they are done.
  template <typename T>
  void download(std::span<const T> from, std::span<T> values) {
    if (!values.empty()) std::memcpy(values.data(), from.data(), from.size_bytes());
  }
  void release() { pieces_.clear(); }

 private:
  static constexpr auto kAlignment = std::align_val_t{256};  // cudaMalloc()'s
  struct Delete {
    void operator()(std::byte* piece) const { ::operator delete(piece, kAlignment); }
  };
  using Piece = std::unique_ptr<std::byte, Delete>;

  Launcher launcher_;
  std::vector<Piece> pieces_;
};

template <typename Machine>
class OnMachine {
 public:
  using Kernels = GpuCompressor<typename Machine::Launcher>;

  OnMachine(const Compressor& compressor, const Kernels& kernels, std::uint64_t seed)
      : compressor_(compressor), kernels_(kernels), machine_(seed) {}

  // As send() of encoding.h, but for the shared indices of a kSummed method, which are handed in.
  Sent send(const Values& gradient, Values& residue, const Bytes& indices) {
    const bool is_leader = compressor_.exchange() == Exchange::kLeaderIndexed;
    const Sent sent = encode(gradient, residue, indices, is_leader);
    EXPECT_EQ(outcome_.is_refused, 0u);
    return sent;
  }

  // Throws WireError where the indices are refused.
  Sent follow(const Values& gradient, Values& residue, const Bytes& indices) {
    Sent sent = encode(gradient, residue, indices, /*is_leader=*/false);
    require_taken();
    return sent;
  }

  // out += decode(payload); out becomes the values at the indices. Throw WireError where bytes are refused.
  void accumulate(const Bytes& payload, Values& out) {
    decode({.payload = upload(payload)}, out, &Kernels::accumulate);
  }
  void scatter(const Bytes& indices, const Values& values, Values& out) {
    decode({.indices = upload(indices), .values = upload(values)}, out, &Kernels::scatter);
  }

 private:
  template <typename T>
  std::span<T> upload(const std::vector<T>& values) {
    return machine_.upload(std::span<const T>(values));
  }
  // Full of what an earlier layer may have left there.
  std::span<std::byte> upload_workspace() {
    return upload(Bytes(kernels_.workspace_bytes(), std::byte{0xff}));
  }
  template <typename T>
  void download(std::span<T> from, std::vector<T>& values) {
    machine_.download(std::span<const T>(from), std::span<T>(values));
  }

  Sent encode(const Values& gradient, Values& residue, const Bytes& indices, bool is_leader) {
    Bytes payload(compressor_.max_payload_bytes(), kGuard);
    Bytes section(is_leader ? compressor_.max_index_bytes() : 0, kGuard);
    const std::span<Outcome> outcome = upload(std::vector<Outcome>(1));
    const EncodeBuffers buffers{.gradient = upload(gradient),
                                .residue = upload(residue),
                                .indices = upload(indices),
                                .index_section = upload(section),
                                .payload = upload(payload),
                                .workspace = upload_workspace(),
                                .outcome = outcome.data()};
    if (is_leader) {
      kernels_.encode_as_leader(machine_.launcher(), buffers);
    } else {
      kernels_.encode(machine_.launcher(), buffers);
    }
    machine_.download(std::span<const Outcome>(outcome), std::span(&outcome_, 1));
    download(buffers.residue, residue);
    download(buffers.payload, payload);
    download(buffers.index_section, section);
    machine_.release();
    payload.resize(outcome_.payload_bytes);
    if (is_leader) section.resize(outcome_.index_bytes);
    return {is_leader ? section : indices, payload, outcome_.elements_sent};
  }

  void decode(DecodeBuffers buffers, Values& out,
              void (Kernels::*step)(typename Machine::Launcher&, const DecodeBuffers&) const) {
    const std::span<Outcome> outcome = upload(std::vector<Outcome>(1));
    buffers.out = upload(out);
    buffers.workspace = upload_workspace();
    buffers.outcome = outcome.data();
    (kernels_.*step)(machine_.launcher(), buffers);
    machine_.download(std::span<const Outcome>(outcome), std::span(&outcome_, 1));
    download(buffers.out, out);
    machine_.release();
    require_taken();
  }

  void require_taken() const {
    if (outcome_.is_refused != 0) throw WireError("refused by kernels");
  }

  const Compressor& compressor_;
  const Kernels& kernels_;
  Machine machine_;
  Outcome outcome_;
};

// The bits of values, to be compared: -0 is not 0, and a NaN equals itself.
inline std::vector<std::uint32_t> bits_of(const Values& values) {
  std::vector<std::uint32_t> bits(values.size());
  if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

}  // namespace sterna::compressors::gpu
