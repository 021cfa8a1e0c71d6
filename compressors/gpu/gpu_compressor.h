// A compressor whose work is enqueued as kernels: the payload bytes and residue bits of the compressor of the
// same name in compressors/.
//
// Everything that is pointed to lies in device memory, and is read and written when the launcher comes to it,
// not before a call returns: so lengths that the device finds out are in an Outcome, which the caller copies
// back. Launcher is sterna::device::StreamLauncher, or HostLauncher, which is done when a call returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "compressors/compressor.h"

namespace sterna::compressors::gpu {

// What the device has found out.
struct Outcome {
  std::uint64_t payload_bytes = 0;
  std::uint64_t index_bytes = 0;  // encode(): of the payload; encode_as_leader(): of the index section
  std::uint64_t elements_sent = 0;
  std::uint32_t is_refused = 0;  // 1: no encoder can have written the bytes; the CPU throws WireError there
};

// What one call works with. All but `outcome` is as in Compressor; a call overwrites the outcome.
struct EncodeBuffers {
  std::span<const float> gradient = {};
  std::span<float> residue = {};
  std::span<const std::byte> indices = {};  // kLeaderIndexed, kSummed
  std::span<std::byte> index_section = {};  // encode_as_leader() writes it
  std::span<std::byte> payload = {};        // begins at a multiple of 4
  std::span<std::byte> workspace = {};      // begins at a multiple of 256; the same for any number of layers
  Outcome* outcome = nullptr;
};

struct DecodeBuffers {
  std::span<const std::byte> indices = {};  // kLeaderIndexed, kSummed
  std::span<const float> values = {};       // of these: a sum over learners, one value for each index
  std::span<const std::byte> payload = {};  // kGathered
  std::span<float> out = {};
  std::span<std::byte> workspace = {};
  Outcome* outcome = nullptr;
};

template <typename Launcher>
class GpuCompressor;

// Throws as make_compressor() does, and ConfigError for a layer of more than 2^31 elements. Null where the
// compressor has no kernels.
template <typename Launcher>
[[nodiscard]] std::unique_ptr<GpuCompressor<Launcher>> make_gpu_compressor(std::string_view name,
                                                                           const LayerShape& shape,
                                                                           const Options& options);

// Each call checks the lengths that it is handed, and fails with InternalError for those that are wrong, and
// for a step of another pattern than compressor().exchange(). Lengths that are no encoder's throw WireError.
template <typename Launcher>
class GpuCompressor {
 public:
  virtual ~GpuCompressor() = default;

  // Whose bytes and bits these are.
  [[nodiscard]] const Compressor& compressor() const { return *compressor_; }

  // What each call needs to work in, in bytes.
  [[nodiscard]] virtual std::size_t workspace_bytes() const = 0;

  // As Compressor's. A residue is left alone where `indices` are refused. encode() of a kLeaderIndexed method
  // follows.
  void encode(Launcher& launch, const EncodeBuffers& buffers) const;
  void encode_as_leader(Launcher& launch, const EncodeBuffers& buffers) const;

  // kGathered: out += decode(payload), in the order of calls; `out` is left alone where that is refused.
  void accumulate(Launcher& launch, const DecodeBuffers& buffers) const;

  // kSummed, kLeaderIndexed: overwrites `out`, which is left alone where indices are refused.
  //   values  one for each index; how many these are is known to the device, which reads as many
  void scatter(Launcher& launch, const DecodeBuffers& buffers) const;

 private:
  friend std::unique_ptr<GpuCompressor> make_gpu_compressor<Launcher>(std::string_view, const LayerShape&,
                                                                      const Options&);

  // What the calls above do once their arguments are checked. Those of another pattern are never called.
  virtual void enqueue_encode(Launcher&, const EncodeBuffers&) const {}
  virtual void enqueue_encode_as_leader(Launcher&, const EncodeBuffers&) const {}
  virtual void enqueue_accumulate(Launcher&, const DecodeBuffers&) const {}
  virtual void enqueue_scatter(Launcher&, const DecodeBuffers&) const {}

  void check(const EncodeBuffers& buffers) const;
  void check(const DecodeBuffers& buffers) const;

  std::unique_ptr<Compressor> compressor_;
  std::size_t elements_ = 0;
};

}  // namespace sterna::compressors::gpu
