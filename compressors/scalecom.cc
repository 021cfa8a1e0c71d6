// scalecom: one learner, the leader, chooses the elements; all learners send theirs at the leader's indices.
//
//   payload := value*                    float32, residue + gradient at the leader's indices, in their order
//
//   indices (selection chunk) := field*  padding       one for each chunk of R = round(rate) elements
//   field   := bit_width(R) bits         offset of the sent element in its chunk, or R: the chunk is all zero
//
//   indices (selection exact) := count  index*  padding
//   count   := 4 bytes                   little-endian, at most k = ceil(n / R)
//   index   := ceil(log2 n) bits         ascending
//
//   padding := zero bits up to the next whole byte
//
// chunk: the largest |residue + gradient| of each chunk, the last one maybe shorter. exact: the k largest of
// the layer. Ties go to the lower index; zeros are not sent. Both ends know the selection: it is a setting.
//
// Residue m, gradient g, sent ghat = m + g or 0: m += beta (g - ghat). Computed as fl(m + fl(beta g)) where
// nothing was sent and fl(m - fl(beta m)) where something was: two roundings; for beta = 1 that is fl(m + g),
// and 0 exactly. Source: Chen et al., "ScaleCom", NeurIPS 2020 (arXiv:2104.11125), algorithm 1, and
// its chunk-wise selection.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "compressors/compressor.h"
#include "compressors/kernels/kernels.h"
#include "compressors/settings.h"
#include "compressors/top_magnitudes.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/bits.h"

namespace sterna::compressors {
namespace {

// Reads the index section of ChunkSelection.
class ChunkIndices {
 public:
  ChunkIndices(std::span<const std::byte> indices, std::size_t elements, std::size_t chunk_elements)
      : reader_(indices),
        elements_(elements),
        chunk_elements_(chunk_elements),
        field_bits_(static_cast<unsigned>(std::bit_width(chunk_elements))) {}

  std::optional<std::size_t> next() {
    while (begin_ < elements_) {
      const std::size_t begin = begin_;
      const std::size_t offset = reader_.read(field_bits_);
      begin_ += chunk_elements_;
      if (offset == chunk_elements_) continue;
      if (offset > chunk_elements_ || offset >= elements_ - begin) {
        throw WireError(cat("[scalecom] index section: offset ", offset, " in the chunk at ", begin, " of ",
                            elements_, " elements; chunks have ", chunk_elements_));
      }
      return begin + offset;
    }
    reader_.finish();
    return std::nullopt;
  }

 private:
  wire::BitReader reader_;
  std::size_t elements_;
  std::size_t chunk_elements_;
  unsigned field_bits_;
  std::size_t begin_ = 0;  // of the next chunk
};

class ChunkSelection {
 public:
  ChunkSelection(std::size_t elements, std::size_t chunk_elements)
      : elements_(elements), chunk_elements_(chunk_elements) {}

  std::size_t max_values() const {
    return elements_ / chunk_elements_ + (elements_ % chunk_elements_ != 0 ? 1 : 0);
  }
  std::size_t max_index_bytes() const { return wire::packed_bytes(max_values(), field_bits()); }
  ChunkIndices read(std::span<const std::byte> indices) const {
    return {indices, elements_, chunk_elements_};
  }

  LeaderEncoded lead(std::span<const float> gradient, std::span<float> residue, float beta,
                     std::span<std::byte> indices, std::span<std::byte> payload) const {
    constexpr std::size_t kBlockChunks = 256;
    std::array<std::uint32_t, kBlockChunks> offsets;
    std::array<float, kBlockChunks> values;
    wire::BitWriter writer(indices);
    std::size_t sent = 0;
    for (std::size_t begin = 0; begin < elements_; begin += kBlockChunks * chunk_elements_) {
      const std::size_t length = std::min(kBlockChunks * chunk_elements_, elements_ - begin);
      kernels::fastest_kernels().select_in_chunks(gradient.data() + begin, residue.data() + begin, length,
                                                  chunk_elements_, beta, offsets.data(), values.data());
      const std::size_t chunks = (length + chunk_elements_ - 1) / chunk_elements_;
      for (std::size_t i = 0; i < chunks; ++i) {
        writer.append(offsets[i], field_bits());
        if (offsets[i] != chunk_elements_) store(payload, sizeof(float) * sent++, values[i]);
      }
    }
    return {.index_bytes = writer.finish(), .payload_bytes = sent * sizeof(float), .elements_sent = sent};
  }

 private:
  unsigned field_bits() const { return static_cast<unsigned>(std::bit_width(chunk_elements_)); }

  std::size_t elements_;
  std::size_t chunk_elements_;  // R
};

class ExactSelection {
 public:
  ExactSelection(std::size_t elements, std::size_t chunk_elements)
      : elements_(elements), k_(kept_elements(elements, static_cast<double>(chunk_elements))) {}

  std::size_t max_values() const { return k_; }
  std::size_t max_index_bytes() const { return kCountBytes + wire::packed_bytes(k_, index_bits(elements_)); }

  AscendingIndices read(std::span<const std::byte> indices) const {
    if (indices.size() < kCountBytes) {
      throw WireError(
          cat("[scalecom] index section has ", indices.size(), " bytes, expected at least 4 for its count"));
    }
    const std::size_t count = load<std::uint32_t>(indices, 0);
    if (count > k_)
      throw WireError(cat("[scalecom] index section: count = ", count, ", expected at most ", k_));
    return {indices.subspan(kCountBytes), count, elements_};
  }

  LeaderEncoded lead(std::span<const float> gradient, std::span<float> residue, float beta,
                     std::span<std::byte> indices, std::span<std::byte> payload) const {
    const TopMagnitudes top = find_top_magnitudes(gradient, residue, k_);
    store(indices, 0, static_cast<std::uint32_t>(top.count));
    const std::size_t index_bytes = send_top_magnitudes(top, gradient, residue, beta, index_bits(elements_),
                                                        indices.subspan(kCountBytes), payload);
    return {.index_bytes = kCountBytes + index_bytes,
            .payload_bytes = top.count * sizeof(float),
            .elements_sent = top.count};
  }

 private:
  static constexpr std::size_t kCountBytes = 4;

  std::size_t elements_;
  std::size_t k_;
};

void add_scaled(std::span<const float> gradient, float beta, std::span<float> residue) {
  for (std::size_t i = 0; i < residue.size(); ++i) residue[i] += beta * gradient[i];
}

template <typename ElementSelection>
class ScaleCom final : public Compressor {
 public:
  ScaleCom(std::size_t elements, std::size_t chunk_elements, float beta)
      : elements_(elements),
        chunk_elements_(chunk_elements),
        selection_(elements, chunk_elements),
        beta_(beta) {}

  Exchange exchange() const override { return Exchange::kLeaderIndexed; }
  bool has_residue() const override { return true; }
  float owed_per_residue() const override { return 1.0f / beta_; }  // the residue has beta of it
  std::optional<double> rate() const override { return static_cast<double>(chunk_elements_); }
  std::size_t max_payload_bytes() const override { return selection_.max_values() * sizeof(float); }
  std::size_t max_index_bytes() const override { return selection_.max_index_bytes(); }

  Encoded encode(std::span<const float> gradient, std::span<float> residue,
                 std::span<const std::byte> indices, const StepKey&,
                 std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    static_cast<void>(payload_values(indices));  // throws before the residue is touched
    auto reader = selection_.read(indices);
    std::size_t sent = 0;
    std::size_t done = 0;  // elements that have moved on
    while (const auto index = reader.next()) {
      add_scaled(gradient.subspan(done, *index - done), beta_, residue.subspan(done, *index - done));
      const float before = residue[*index];
      store(payload, sizeof(float) * sent++, before + gradient[*index]);
      residue[*index] = before - beta_ * before;
      done = *index + 1;
    }
    add_scaled(gradient.subspan(done), beta_, residue.subspan(done));
    return {.payload_bytes = sent * sizeof(float), .elements_sent = sent};
  }

  LeaderEncoded encode_as_leader(std::span<const float> gradient, std::span<float> residue, const StepKey&,
                                 std::span<std::byte> indices, std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    STERNA_CHECK(indices.size() >= max_index_bytes());
    return selection_.lead(gradient, residue, beta_, indices, payload);
  }

  std::size_t payload_values(std::span<const std::byte> indices) const override {
    auto reader = selection_.read(indices);
    std::size_t values = 0;
    while (reader.next()) ++values;
    return values;
  }

  void scatter(std::span<const std::byte> indices, std::span<const float> values,
               std::span<float> out) const override {
    STERNA_CHECK(out.size() == elements_);
    STERNA_CHECK(values.size() == payload_values(indices));
    std::ranges::fill(out, 0.0f);
    auto reader = selection_.read(indices);
    for (const float value : values) out[*reader.next()] = value;
  }

 private:
  std::size_t elements_;
  std::size_t chunk_elements_;  // R
  ElementSelection selection_;
  float beta_;
};

}  // namespace

std::unique_ptr<Compressor> make_scalecom(const LayerShape& shape, const Options& options) {
  check_rate("scalecom", options);
  check_indexable("scalecom", shape);
  if (!(options.beta > 0.0f && options.beta <= 1.0f)) {
    throw ConfigError(cat("[scalecom] beta = ", options.beta,
                          ": must be in (0, 1]; 1 is plain error feedback, 0.1 suits large batches"));
  }
  const auto chunk_elements = static_cast<std::size_t>(std::lround(options.rate));
  if (options.selection == Selection::kExact) {
    return std::make_unique<ScaleCom<ExactSelection>>(shape.elements, chunk_elements, options.beta);
  }
  return std::make_unique<ScaleCom<ChunkSelection>>(shape.elements, chunk_elements, options.beta);
}

}  // namespace sterna::compressors
