// A compressor turns one layer's gradient into bytes for the wire, and such bytes back into gradient.
//
// It is stateless but for its settings: what a method holds back from step to step lives in the residue,
// which belongs to one learner and one layer and is handed in. It never communicates and never divides by the
// number of learners: runtime/exchange does both. One instance serves all learners of a rank, from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/numerics/value_format.h"

namespace sterna::compressors {

// How the learners' payloads of one step become one gradient.
enum class Exchange {
  kSummed,  // a payload is an array of values; the values of all learners are summed, element by element.
            // Of every element, or at indices that all ranks know without a word: write_shared_indices()
  kLeaderIndexed,  // one learner, the leader, chooses the indices; then as kSummed, with the values at these
                   // indices
  kGathered,  // a payload is opaque; every rank receives every learner's and adds them up in learner order
};

enum class LayerKind {
  kConvolution,
  kFullyConnected,  // and recurrent, embedding: every weight that is not a convolution's
};

struct LayerShape {
  std::size_t elements = 0;  // n
  LayerKind kind = LayerKind::kFullyConnected;
};

// Keys what is random in a method: with the seed of Options, the only randomness.
struct StepKey {
  std::uint64_t step = 0;
  std::uint32_t learner = 0;
  std::uint16_t layer = 0;
};

struct Encoded {
  std::size_t payload_bytes = 0;
  std::size_t elements_sent = 0;
  std::size_t index_bytes = 0;  // the part of payload_bytes that says where values belong
};

struct LeaderEncoded {
  std::size_t index_bytes = 0;
  std::size_t payload_bytes = 0;
  std::size_t elements_sent = 0;
};

// An element of a layer that a payload sends.
struct Element {
  std::uint32_t index = 0;
  float value = 0.0f;
};

// How a payload's elements differ in value.
enum class ElementValues {
  kFloats,  // each has its own, and none is 0
  kSigns,   // in sign alone: all are of one magnitude, which is finite
};

class Compressor {
 public:
  virtual ~Compressor() = default;

  [[nodiscard]] virtual Exchange exchange() const = 0;

  // Whether encode() keeps anything in the residue. Where not, the residue may be empty.
  [[nodiscard]] virtual bool has_residue() const = 0;

  // So many times its residue a learner still owes of its gradients: more than 1 where a low-pass filter lets
  // only a part of them into the residue.
  [[nodiscard]] virtual float owed_per_residue() const { return 1.0f; }

  // dryden, randomk, scalecom, topk: R, 1 of so many elements is sent; none where a method has no rate.
  [[nodiscard]] virtual std::optional<double> rate() const { return std::nullopt; }

  // adacomp, ls: into how many bins the layer is cut; 0 where a method has none.
  [[nodiscard]] virtual std::size_t bins() const { return 0; }

  // The most that encode() writes, in bytes.
  [[nodiscard]] virtual std::size_t max_payload_bytes() const = 0;

  // kSummed, kLeaderIndexed: how each value of a payload is written.
  [[nodiscard]] virtual numerics::ValueFormat value_format() const { return numerics::ValueFormat::kFloat32; }

  // The most that encode_as_leader() or write_shared_indices() writes to `indices`, in bytes.
  [[nodiscard]] virtual std::size_t max_index_bytes() const { return 0; }

  // kSummed: writes the index section of this step, which encode(), payload_values() and scatter() take. All
  // learners have the same: it depends on settings, step and layer alone, and does not travel. Returns its
  // bytes: 0 where every element is sent.
  //   indices  at least max_index_bytes() long
  virtual std::size_t write_shared_indices(const StepKey& key, std::span<std::byte> indices) const;

  // Writes one learner's payload and moves its residue on by one step.
  //   gradient  [n] float32, finite
  //   residue   [n] float32, what earlier steps held back; zero at first
  //   indices   kLeaderIndexed: the leader's index section; kSummed: the shared one; else empty. Throws
  //             WireError if it is malformed, before the residue is touched.
  //   payload   at least max_payload_bytes() long; written from the front
  virtual Encoded encode(std::span<const float> gradient, std::span<float> residue,
                         std::span<const std::byte> indices, const StepKey& key,
                         std::span<std::byte> payload) const = 0;

  // kLeaderIndexed: chooses the indices and encodes at them, in one pass over gradient and residue.
  //   indices  at least max_index_bytes() long
  virtual LeaderEncoded encode_as_leader(std::span<const float> gradient, std::span<float> residue,
                                         const StepKey& key, std::span<std::byte> indices,
                                         std::span<std::byte> payload) const;

  // kSummed, kLeaderIndexed: how many values a payload holds at these indices. Throws WireError if they are
  // malformed.
  [[nodiscard]] virtual std::size_t payload_values(std::span<const std::byte> indices) const;

  // kSummed, kLeaderIndexed: overwrites `out` [n] with the gradient that `values` [payload_values(indices)]
  // stand for, 0 where nothing was sent.
  virtual void scatter(std::span<const std::byte> indices, std::span<const float> values,
                       std::span<float> out) const;

  // kGathered: out += decode(payload), out [n]. Throws WireError if encode() cannot have written `payload`;
  // `out` is then unspecified. Reads nothing past the payload's end.
  virtual void accumulate(std::span<const std::byte> payload, std::span<float> out) const;

  // kGathered: whether a payload is a choice of elements, each with a value, and of which kind;
  // read_elements() lists them then. The residue of such a method is in the gradient's unit: a value that is
  // added to it is held back.
  [[nodiscard]] virtual std::optional<ElementValues> element_values() const { return std::nullopt; }

  // Overwrites `elements` with those that `payload` sends, ascending: what accumulate() adds, and where.
  // Throws as accumulate() does; `elements` are then unspecified.
  virtual void read_elements(std::span<const std::byte> payload, std::vector<Element>& elements) const;
};

enum class Selection { kChunk, kExact };

// The settings of all methods; each method reads its own.
struct Options {
  double rate = 100.0;                      // dryden, randomk, scalecom, topk: 1 of `rate` elements is sent
  std::size_t bin_conv = 50;                // adacomp, ls: L_T of convolutions, in elements
  std::size_t bin_fc = 500;                 // adacomp, ls: L_T of all other layers
  Selection selection = Selection::kChunk;  // scalecom
  float beta = 1.0f;                        // scalecom: low-pass filter, in (0, 1]
  float threshold = 0.03f;                  // strom: tau, in the gradient's unit
  std::uint64_t seed = 1;                   // randomk
};

struct CompressorEntry {
  std::string_view name;     // what --compressor says
  std::string_view summary;  // one line for `sterna list`: what is sent, and its size
  std::unique_ptr<Compressor> (*make)(const LayerShape& shape, const Options& options);
};

// The names of the methods of which a statement holds, with their default settings.
[[nodiscard]] std::vector<std::string_view> compressors_that(bool (*do_so)(const Compressor&));

// The names of the methods of which element_values() says something.
[[nodiscard]] std::vector<std::string_view> element_choosing_compressors();

// Every compressor of this build, sorted by name.
[[nodiscard]] std::span<const CompressorEntry> compressor_table();

// Throws ConfigError if there is no such compressor (it lists those there are) or a setting is out of range.
[[nodiscard]] std::unique_ptr<Compressor> make_compressor(std::string_view name, const LayerShape& shape,
                                                          const Options& options);

}  // namespace sterna::compressors
