// ls (../ls.cc) as kernels. Bytes moved an element: 8 read, 4 written; and a bin: 8 written, 16 read and its
// code.
#pragma once

#include "compressors/gpu/chunks.h"
#include "compressors/gpu/gpu_compressor.h"
#include "compressors/gpu/sum_in_order.h"
#include "compressors/gpu/workspace.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// What a bin adds to the sum of maxima: 0 where nothing was chosen.
struct ChosenMagnitudes {
  const std::uint32_t* offsets;
  const float* values;
  std::size_t bins;
  std::uint32_t none;  // an offset

  STERNA_DEVICE std::uint64_t count() const { return bins; }
  STERNA_DEVICE float operator()(std::uint64_t i) const {
    return offsets[i] == none ? 0.0f : magnitude(values[i]);
  }
};

struct BinTotal {
  double sum;          // of maxima
  std::uint32_t sent;  // bins
};

// Two blocks: the sum of the maxima; how many bins send.
struct SumChosen {
  static constexpr unsigned kThreads = kBlockThreads;
  union Shared {
    SumShared of_magnitudes;
    WarpSums of_counts;
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, ChosenMagnitudes magnitudes,
                                std::uint32_t* counts, std::size_t groups, BinTotal* total) {
    if (context.block() == 0) {
      const double sum = sum_in_order(context, shared.of_magnitudes, magnitudes);
      if (context.thread() == 0) total->sum = sum;
    } else {
      sum_counts_before(context, shared.of_counts, counts, groups);
      if (context.thread() == 0) total->sent = counts[groups];
    }
  }
};

// A code for each bin: 2 * offset, 1 more if negative; 2 L_T: nothing is sent.
struct BinCodes {
  const std::uint32_t* offsets;
  const float* values;
  std::size_t bins;
  std::uint32_t length;  // L_T
  const BinTotal* total;

  STERNA_DEVICE std::uint64_t count() const { return total->sent == 0 ? 0 : bins; }
  STERNA_DEVICE std::uint64_t operator()(std::uint64_t i) const {
    if (offsets[i] == length) return 2 * std::uint64_t{length};
    return 2 * std::uint64_t{offsets[i]} + (is_negative(values[i]) ? 1 : 0);
  }
};

// The scale, the outcome, and what is sent out of the residue; a thread for each bin.
struct StoreScale {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks bins, const std::uint32_t* offsets,
                                const float* values, const BinTotal* total, std::uint64_t code_bytes,
                                float* residue, std::byte* payload, Outcome* outcome) {
    if (total->sent == 0) return;
    const double mean = total->sum / static_cast<double>(bins.count());
    const auto scale = static_cast<float>(smaller(mean, 0x1.fffffep127));
    const std::size_t bin = grid_thread(context);
    if (bin == 0) {
      store_32(payload, std::bit_cast<std::uint32_t>(scale));
      *outcome = {.payload_bytes = 4 + code_bytes, .index_bytes = code_bytes, .elements_sent = total->sent};
    }
    if (bin >= bins.count() || offsets[bin] == bins.length) return;
    const float sent = is_negative(values[bin]) ? -scale : scale;
    residue[bin * bins.length + offsets[bin]] = values[bin] - sent;
  }
};

// Refuses what no encoder can have written; a thread for each bin. `is_any_sent` is 0 at first.
struct CheckBinCodes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks bins, unsigned bits,
                                const std::byte* payload, std::uint32_t* is_any_sent, Outcome* outcome) {
    const std::size_t bin = grid_thread(context);
    if (bin >= bins.count()) return;
    bool is_legal = true;
    if (bin == 0) {
      const std::uint32_t largest = std::bit_cast<std::uint32_t>(0x1.fffffep127f);
      is_legal = load_32(payload) <= largest && is_padding_zero(payload + 4, bins.count(), bits);
    }
    const std::uint64_t code = read_field(payload + 4, std::uint64_t{bin} * bits, bits);
    if (code != 2 * std::uint64_t{bins.length}) {
      is_legal = is_legal && code / 2 < bins.length_of(bin);
      context.atomic_or(is_any_sent, std::uint32_t{1});
    }
    if (!is_legal) context.atomic_or(&outcome->is_refused, std::uint32_t{1});
  }
};

struct AddBinCodes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks bins, unsigned bits,
                                const std::byte* payload, const std::uint32_t* is_any_sent, float* out,
                                Outcome* outcome) {
    const std::size_t bin = grid_thread(context);
    if (*is_any_sent == 0) {
      if (bin == 0) outcome->is_refused = 1;
      return;
    }
    if (outcome->is_refused != 0 || bin >= bins.count()) return;
    const std::uint64_t code = read_field(payload + 4, std::uint64_t{bin} * bits, bits);
    if (code == 2 * std::uint64_t{bins.length}) return;
    const float scale = std::bit_cast<float>(load_32(payload));
    out[bin * bins.length + code / 2] += code % 2 != 0 ? -scale : scale;
  }
};

template <typename Launcher>
class GpuLocalSelection final : public GpuCompressor<Launcher> {
 public:
  GpuLocalSelection(std::size_t elements, std::uint32_t bin_elements)
      : bins_{elements, bin_elements}, bits_(static_cast<unsigned>(std::bit_width(2 * bin_elements))) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    static_cast<void>(Parts(workspace, bins_));
    return workspace.bytes();
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const Parts parts(workspace, bins_);
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (bins_.elements == 0) return;
    launch(SelectInChunks{}, bins_.groups(), bins_, /*beta=*/1.0f, buffers.gradient.data(),
           buffers.residue.data(), parts.offsets, parts.values, parts.counts);
    launch(SumChosen{}, 2, ChosenMagnitudes{parts.offsets, parts.values, bins_.count(), bins_.length},
           parts.counts, bins_.groups(), parts.total);
    const BinCodes codes{parts.offsets, parts.values, bins_.count(), bins_.length, parts.total};
    launch(PackFields<BinCodes>{}, list_blocks(code_bytes()), codes, bits_, buffers.payload.data() + 4);
    launch(StoreScale{}, ceil_div(bins_.count(), kBlockThreads), bins_, parts.offsets, parts.values,
           parts.total, std::uint64_t{code_bytes()}, buffers.residue.data(), buffers.payload.data(),
           buffers.outcome);
  }

  void enqueue_accumulate(Launcher& launch, const DecodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (buffers.payload.empty()) return;
    if (bins_.elements == 0 || buffers.payload.size() != 4 + code_bytes()) {
      throw WireError(cat("[ls] payload: ", buffers.payload.size(), " bytes, expected none or ",
                          4 + code_bytes(), ", and none without elements"));
    }
    Workspace workspace(buffers.workspace);
    const Parts parts(workspace, bins_);
    std::uint32_t* const is_any_sent = parts.counts;
    const std::size_t blocks = ceil_div(bins_.count(), kBlockThreads);
    launch.zero(is_any_sent, sizeof *is_any_sent);
    launch(CheckBinCodes{}, blocks, bins_, bits_, buffers.payload.data(), is_any_sent, buffers.outcome);
    launch(AddBinCodes{}, blocks, bins_, bits_, buffers.payload.data(), is_any_sent, buffers.out.data(),
           buffers.outcome);
  }

 private:
  struct Parts {
    Parts(Workspace& workspace, const Chunks& bins)
        : offsets(workspace.take<std::uint32_t>(bins.count())),
          values(workspace.take<float>(bins.count())),
          counts(workspace.take<std::uint32_t>(counts_room(bins.groups()))),
          total(workspace.take<BinTotal>(1)) {}

    std::uint32_t* offsets;
    float* values;
    std::uint32_t* counts;
    BinTotal* total;
  };

  std::size_t code_bytes() const { return (bins_.count() * bits_ + 7) / 8; }

  Chunks bins_;
  unsigned bits_;
};

}  // namespace sterna::compressors::gpu
