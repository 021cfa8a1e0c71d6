// adacomp: of each bin the elements that one more gradient like this one would lift to the bin's maximum, as
// signs.
//
//   payload := ""                                  nothing is sent
//            | scale  code code*  [bitmap]
//   scale   := 32 bits    float32, not negative and finite; its sign bit says that there is a bitmap
//   code    := 1 byte if the bin length L_T <= 64, else 2 bytes, little-endian
//              from bit 0 up: index in the bin (6 or 14 bits), 1 if negative, 1 if the last code of its bin
//   bitmap  := ceil(bins / 8) bytes   bit b, from bit 0 of byte 0 up: whether bin b has codes; padding zero
//
// Codes stand in bin order, ascending within a bin. The bitmap is there if and only if some bin has no code,
// so that borders of bins cost nothing in an active layer, and at most one bit a bin in any.
//
// A layer's elements are cut into bins of L_T, the last one maybe shorter. With G = residue + gradient and
// H = G + gradient, an element is sent if |H| >= max |G| of its bin and that is not 0. It stands for +scale
// if G > 0, else for -scale, where scale is the mean of the maxima over all bins, those that send nothing
// among them, summed in double, in bin order, and rounded to float32 once. Residue: G less what was sent.
// Source: Chen et al., "AdaComp", AAAI 2018 (arXiv:1712.02679), algorithm 2. How a receiver finds
// the borders of bins is our own encoding.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "compressors/compressor.h"
#include "compressors/kernels/kernels.h"
#include "compressors/settings.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

constexpr std::size_t kMaxBinOfBytes = 64;  // 2^6
constexpr std::uint32_t kHasBitmap = 0x80000000;

[[noreturn]] void fail(const std::string& what) {
  throw WireError(cat("[adacomp] payload: ", what));
}

// How a layer is cut.
struct Bins {
  std::size_t elements;
  std::size_t length;  // L_T

  std::size_t count() const { return elements / length + (elements % length != 0 ? 1 : 0); }
  std::size_t bitmap_bytes() const { return count() / 8 + (count() % 8 != 0 ? 1 : 0); }
};

struct Parts {
  float scale = 0.0f;
  std::span<const std::byte> codes;
  std::span<const std::byte> bitmap;  // empty: every bin has codes
};

// `payload` is not empty.
Parts split(std::span<const std::byte> payload, std::size_t bitmap_bytes) {
  if (payload.size() < sizeof(float)) fail(cat(payload.size(), " bytes, expected at least 4 for the scale"));
  const auto head = load<std::uint32_t>(payload, 0);
  Parts parts{
      .scale = std::bit_cast<float>(head & ~kHasBitmap), .codes = payload.subspan(sizeof head), .bitmap = {}};
  if (!(parts.scale <= std::numeric_limits<float>::max()))
    fail(cat("scale = ", parts.scale, ", expected a finite one"));
  if ((head & kHasBitmap) == 0) return parts;
  if (parts.codes.size() < bitmap_bytes) {
    fail(cat(payload.size(), " bytes, expected at least ", bitmap_bytes + sizeof head,
             " for the bitmap of bins"));
  }
  parts.bitmap = parts.codes.last(bitmap_bytes);
  parts.codes = parts.codes.first(parts.codes.size() - bitmap_bytes);
  return parts;
}

void check_bitmap(std::span<const std::byte> bitmap, std::size_t bins) {
  std::size_t bits = 0;
  for (const std::byte byte : bitmap)
    bits += static_cast<std::size_t>(std::popcount(std::to_integer<unsigned>(byte)));
  if (bins % 8 != 0 && (bitmap.back() >> (bins % 8)) != std::byte{0}) fail("padding of the bitmap is set");
  if (bits == bins) fail("bitmap of bins is full, expected none then");
}

// Where the codes' bins begin: of a layer in which each bin has codes, and of one with a bitmap. After the
// last bin, begin() is not below the layer's elements.
class AllBins {
 public:
  explicit AllBins(const Bins& bins) : length_(bins.length) {}

  std::size_t begin() const { return begin_; }
  // Every fifth code or so is a bin's last: a branch on it would be guessed wrong about as often.
  void advance_if(bool is_last) { begin_ += is_last ? length_ : 0; }

 private:
  std::size_t length_;
  std::size_t begin_ = 0;
};

class MappedBins {
 public:
  MappedBins(const Bins& bins, std::span<const std::byte> bitmap)
      : length_(bins.length), count_(bins.count()), bitmap_(bitmap) {
    skip_empty();
  }

  std::size_t begin() const { return bin_ * length_; }
  // Without a branch on is_last either: the bin that was not left has codes, and most others have.
  void advance_if(bool is_last) {
    bin_ += is_last ? 1 : 0;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (bin_ < count_ && (bitmap_[bin_ / 8] >> (bin_ % 8) & std::byte{1}) == std::byte{0}) ++bin_;
  }

  std::size_t length_;
  std::size_t count_;
  std::span<const std::byte> bitmap_;
  std::size_t bin_ = 0;
};

template <typename Code>
constexpr Code kIndexMask = kernels::kNegative<Code> - 1;

// `value`, negated if the code says so; without a branch, as signs cannot be guessed.
template <typename Code>
float signed_by(Code code, float value) {
  constexpr unsigned kToSignBit = 31 - kernels::kIndexBits<Code>;
  const auto sign = static_cast<std::uint32_t>(code & kernels::kNegative<Code>) << kToSignBit;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^ sign);
}

// Calls each(index, scale or -scale) for each code, once it is checked.
template <typename Code, typename Walk, typename Each>
void for_each_code_in(Walk bin, std::span<const std::byte> codes, const Bins& bins, float scale,
                      const Each& each) {
  std::size_t lowest = 0;  // what the next index may be
  for (std::size_t at = 0; at < codes.size(); at += sizeof(Code)) {
    const auto code = load<Code>(codes, at);
    const std::size_t index = code & kIndexMask<Code>;
    if (index < lowest || index >= bins.length || bin.begin() + index >= bins.elements) {
      fail(cat("index ", index, " in the bin at ", bin.begin(), " of ", bins.elements,
               " elements, expected one from ", lowest, " on, below ", bins.length));
    }
    each(bin.begin() + index, signed_by(code, scale));
    const bool is_last = (code & kernels::kLastOfBin<Code>) != 0;
    lowest = is_last ? 0 : index + 1;
    bin.advance_if(is_last);
  }
  if (lowest != 0) fail("the last code does not end its bin");
  if (bin.begin() < bins.elements) fail(cat("codes end before the bin at ", bin.begin()));
}

// Calls use(AllBins or MappedBins) for the codes of a payload, once what needs no look at them is checked.
template <typename Code, typename Use>
void with_bins(const Parts& parts, const Bins& bins, const Use& use) {
  if (parts.codes.empty() || parts.codes.size() % sizeof(Code) != 0) {
    fail(cat(parts.codes.size(), " bytes of codes, expected a multiple of ", sizeof(Code), " that is not 0"));
  }
  if (parts.bitmap.empty()) {
    use(AllBins(bins));
  } else {
    check_bitmap(parts.bitmap, bins.count());
    use(MappedBins(bins, parts.bitmap));
  }
}

// Asks for the cache lines of `values` that 2-byte codes lie in, some codes before their turn. With bins of
// 500 nearly every code has a line of its own, and the processor cannot guess which: what adds the codes of
// 16 Mi elements takes a third of the time then. With bins of 64 or less almost every line holds a code, and
// the processor reads ahead by itself. Codes need not be checked: a line that is not there is not read.
template <typename Code, typename Walk>
class LinesAhead {
 public:
  LinesAhead(Walk bin, std::span<const std::byte> codes, std::span<const float> values)
      : bin_(bin), codes_(codes), values_(reinterpret_cast<std::uintptr_t>(values.data())) {
    for (std::size_t i = 0; i < kCodesAhead; ++i) ask_for_next();
  }

  void ask_for_next() {
    if (sizeof(Code) == 1 || at_ == codes_.size()) return;
    const auto code = load<Code>(codes_, at_);
    const std::size_t index = bin_.begin() + (code & kIndexMask<Code>);
    __builtin_prefetch(reinterpret_cast<const void*>(values_ + index * sizeof(float)), 1);
    bin_.advance_if((code & kernels::kLastOfBin<Code>) != 0);
    at_ += sizeof(Code);
  }

 private:
  static constexpr std::size_t kCodesAhead = 64;

  Walk bin_;
  std::span<const std::byte> codes_;
  std::uintptr_t values_;
  std::size_t at_ = 0;
};

// out[i] += or -= scale for each code, once it is checked.
template <typename Code>
void add_codes(const Parts& parts, const Bins& bins, std::span<float> out) {
  with_bins<Code>(parts, bins, [&](auto walk) {
    LinesAhead<Code, decltype(walk)> lines(walk, parts.codes, out);
    for_each_code_in<Code>(walk, parts.codes, bins, parts.scale, [&](std::size_t index, float value) {
      lines.ask_for_next();
      out[index] += value;
    });
  });
}

// The reverse, for codes that encode() has just written: they need no check.
template <typename Code>
void subtract_own_codes(const Parts& parts, const Bins& bins, std::span<float> residue) {
  with_bins<Code>(parts, bins, [&](auto walk) {
    LinesAhead<Code, decltype(walk)> lines(walk, parts.codes, residue);
    for (std::size_t at = 0; at < parts.codes.size(); at += sizeof(Code)) {
      lines.ask_for_next();
      const auto code = load<Code>(parts.codes, at);
      residue[walk.begin() + (code & kIndexMask<Code>)] -= signed_by(code, parts.scale);
      walk.advance_if((code & kernels::kLastOfBin<Code>) != 0);
    }
  });
}

template <typename Code>
class AdaComp final : public Compressor {
 public:
  AdaComp(std::size_t elements, std::size_t bin_elements) : bins_{elements, bin_elements} {}

  Exchange exchange() const override { return Exchange::kGathered; }
  bool has_residue() const override { return true; }
  std::size_t bins() const override { return bins_.count(); }

  std::size_t max_payload_bytes() const override {
    return bins_.elements == 0 ? 0 : bitmap_workspace_at() + bins_.bitmap_bytes();
  }

  Encoded encode(std::span<const float> gradient, std::span<float> residue, std::span<const std::byte>,
                 const StepKey&, std::span<std::byte> payload) const override {
    check_arguments(bins_.elements, gradient, residue, max_payload_bytes(), payload);
    if (bins_.elements == 0) return {};
    const kernels::PackedBins packed =
        pack_bins()(gradient.data(), residue.data(), bins_.elements, bins_.length,
                    payload.data() + sizeof(float), payload.data() + bitmap_workspace_at());
    if (packed.codes == 0) return {};
    const std::size_t payload_bytes = finish_payload(packed, payload);
    const Parts parts = split(payload.first(payload_bytes), bins_.bitmap_bytes());
    subtract_own_codes<Code>(parts, bins_, residue);
    // A code's sign has one bit of 8 or 16: the codes are counted as indices, the scale as the value.
    return {.payload_bytes = payload_bytes,
            .elements_sent = packed.codes,
            .index_bytes = payload_bytes - sizeof(float)};
  }

  void accumulate(std::span<const std::byte> payload, std::span<float> out) const override {
    STERNA_CHECK(out.size() == bins_.elements);
    if (payload.empty()) return;
    add_codes<Code>(split(payload, bins_.bitmap_bytes()), bins_, out);
  }

  std::optional<ElementValues> element_values() const override { return ElementValues::kSigns; }

  void read_elements(std::span<const std::byte> payload, std::vector<Element>& elements) const override {
    elements.clear();
    if (payload.empty()) return;
    const Parts parts = split(payload, bins_.bitmap_bytes());
    with_bins<Code>(parts, bins_, [&](auto walk) {
      for_each_code_in<Code>(walk, parts.codes, bins_, parts.scale, [&](std::size_t index, float value) {
        elements.push_back({.index = static_cast<std::uint32_t>(index), .value = value});
      });
    });
  }

 private:
  static kernels::PackBins pack_bins() {
    const kernels::Kernels& kernels = kernels::fastest_kernels();
    return sizeof(Code) == 1 ? kernels.pack_bins_8 : kernels.pack_bins_16;
  }

  // Behind the longest possible row of codes: whether the bitmap is sent shows when all bins are packed.
  std::size_t bitmap_workspace_at() const { return sizeof(float) + bins_.elements * sizeof(Code); }

  std::size_t finish_payload(const kernels::PackedBins& packed, std::span<std::byte> payload) const {
    const double mean = packed.sum_of_maxima / static_cast<double>(bins_.count());
    // A sum that overflowed has an infinite maximum; the payload must be one that a receiver takes.
    const auto scale = static_cast<float>(std::min(mean, double{std::numeric_limits<float>::max()}));
    auto head = std::bit_cast<std::uint32_t>(scale);
    std::size_t payload_bytes = sizeof head + packed.codes * sizeof(Code);
    if (packed.bins_sent < bins_.count()) {
      head |= kHasBitmap;
      std::memmove(payload.data() + payload_bytes, payload.data() + bitmap_workspace_at(),
                   bins_.bitmap_bytes());
      payload_bytes += bins_.bitmap_bytes();
    }
    store(payload, 0, head);
    return payload_bytes;
  }

  Bins bins_;
};

}  // namespace

std::unique_ptr<Compressor> make_adacomp(const LayerShape& shape, const Options& options) {
  const std::size_t length = bin_elements("adacomp", shape, options);
  if (length <= kMaxBinOfBytes) return std::make_unique<AdaComp<std::uint8_t>>(shape.elements, length);
  return std::make_unique<AdaComp<std::uint16_t>>(shape.elements, length);
}

}  // namespace sterna::compressors
