// dryden (../dryden.cc) as kernels.
//
// Bytes moved an element: 12 read, 4 written; and of each candidate (radix_select.h) 4 written and 8 read,
// six times.
#pragma once

#include "compressors/gpu/element_list.h"
#include "compressors/gpu/radix_select.h"
#include "compressors/gpu/sum_in_order.h"
#include "compressors/settings.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// Lists index and sign, and the value for the means.
struct ListChosen {
  std::uint32_t* list;
  float* values;

  STERNA_DEVICE void operator()(const Candidates<2>& work, std::size_t candidate, float value,
                                std::uint32_t position) const {
    list[position] = work.index[candidate] | (is_negative(value) ? 0x80000000 : 0);
    values[position] = value;
  }
};

// What is chosen, and what the device finds out of it.
struct SignsSent {
  std::uint32_t* list;
  float* values;
  std::uint32_t* number;  // of them
  double* sums;           // of the magnitudes of each sign
};

// Magnitudes of one sign, 0 in place of the others: adding that changes nothing.
struct MagnitudesOfSign {
  const float* values;
  const std::uint32_t* number;
  bool is_negative_side;

  STERNA_DEVICE std::uint64_t count() const { return *number; }
  STERNA_DEVICE float operator()(std::uint64_t i) const {
    return is_negative(values[i]) == is_negative_side ? magnitude(values[i]) : 0.0f;
  }
};

struct CountSigns {
  static constexpr unsigned kThreads = 1;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context&, Shared&, const Side* sides, std::uint32_t* number) {
    *number = sides[0].chosen + sides[1].chosen;
  }
};

// A block for each sign.
struct SumSigns {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = SumShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, SignsSent sent) {
    const double sum =
        sum_in_order(context, shared, MagnitudesOfSign{sent.values, sent.number, context.block() == 1});
    if (context.thread() == 0) sent.sums[context.block()] = sum;
  }
};

inline constexpr std::size_t kSignsAt = 8;  // behind two means

// Means, count, outcome, and what is sent out of the residue.
struct StoreMeans {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, SignsSent sent, const Side* sides,
                                unsigned field_bits, float* residue, std::byte* payload, Outcome* outcome) {
    const std::uint32_t number = *sent.number;
    if (number == 0) return;
    const float means[] = {mean(sent.sums[0], sides[0].chosen), mean(sent.sums[1], sides[1].chosen)};
    if (grid_thread(context) == 0) {
      store_32(payload, std::bit_cast<std::uint32_t>(means[0]));
      store_32(payload + 4, std::bit_cast<std::uint32_t>(means[1]));
      store_32(payload + kSignsAt, number);
      const std::uint64_t bytes = 4 + bytes_of_fields(number, field_bits);
      *outcome = {.payload_bytes = kSignsAt + bytes, .index_bytes = bytes, .elements_sent = number};
    }
    for (std::size_t i = grid_thread(context); i < number; i += grid_threads(context)) {
      const std::uint32_t element = sent.list[i];
      residue[element & 0x7fffffff] = sent.values[i] - (element >> 31 != 0 ? -means[1] : means[0]);
    }
  }

 private:
  STERNA_DEVICE static float mean(double sum, std::uint32_t elements) {
    if (elements == 0) return 0.0f;
    constexpr float kLargest = 0x1.fffffep127f;
    const auto mean = static_cast<float>(sum / static_cast<double>(elements));
    return mean <= kLargest ? mean : kLargest;
  }
};

// Of which signs there are any: bit 0 positive, bit 1 negative. `used` is 0 at first.
struct FindUsedSigns {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ElementList list, std::uint32_t* used) {
    std::uint32_t own = 0;
    for (std::size_t i = grid_thread(context); i < list.count(); i += grid_threads(context)) {
      own |= list.is_negative(i) ? 2 : 1;
    }
    if (own != 0) context.atomic_or(used, own);
  }
};

// A mean is finite and above 0 where it is used, else 0.
struct CheckMeans {
  static constexpr unsigned kThreads = 1;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context&, Shared&, const std::byte* payload, const std::uint32_t* used,
                                Outcome* outcome) {
    constexpr std::uint32_t kInfinity = 0x7f800000;
    for (unsigned side = 0; side < 2; ++side) {
      const std::uint32_t mean = load_32(payload + 4 * side);
      const bool is_used = (*used >> side & 1) != 0;
      if (is_used ? mean == 0 || mean >= kInfinity : mean != 0) outcome->is_refused = 1;
    }
  }
};

struct DrydenValues {
  const std::byte* payload;

  STERNA_DEVICE float operator()(const ElementList& list, std::size_t i) const {
    const bool is_below = list.is_negative(i);
    const float mean = std::bit_cast<float>(load_32(payload + (is_below ? 4 : 0)));
    return is_below ? -mean : mean;
  }
};

template <typename Launcher>
class GpuDryden final : public GpuCompressor<Launcher> {
 public:
  GpuDryden(std::size_t elements, double rate)
      : elements_(elements),
        most_(std::min(elements, kept_elements(elements, rate) + 2)),
        index_bits_(index_bits(elements)),
        rate_(rate) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    static_cast<void>(Parts(workspace, elements_, most_));
    return workspace.bytes();
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (elements_ == 0) return;
    Workspace workspace(buffers.workspace);
    Parts parts(workspace, elements_, most_);
    parts.work.gradient = buffers.gradient.data();
    parts.work.residue = buffers.residue.data();
    const Candidates<2>& work = parts.work;
    const SignsSent& sent = parts.sent;
    find_largest(launch, work, ChooseOneOf{rate_});
    launch(CountSigns{}, 1, work.sides, sent.number);
    launch(ForEachChosen<2, ListChosen>{}, ceil_div(work.tiles(), kBlockWarps), work,
           ListChosen{sent.list, sent.values});
    launch(SumSigns{}, 2, sent);
    const ListedElements fields{sent.list, sent.number, index_bits_, /*has_signs=*/true};
    launch(PackFields<ListedElements>{}, list_blocks(4 * most_), fields, index_bits_ + 1,
           buffers.payload.data() + kSignsAt + 4);
    launch(StoreMeans{}, list_blocks(most_), sent, work.sides, index_bits_ + 1, buffers.residue.data(),
           buffers.payload.data(), buffers.outcome);
  }

  void enqueue_accumulate(Launcher& launch, const DecodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (buffers.payload.empty()) return;
    if (buffers.payload.size() < kSignsAt || elements_ == 0) {
      throw WireError(cat("[dryden] payload: ", buffers.payload.size(), " bytes for ", elements_,
                          " elements, expected at least 8 for two means, and none without elements"));
    }
    const ElementList list{.data = buffers.payload.data() + kSignsAt,
                           .bytes = buffers.payload.size() - kSignsAt,
                           .elements = elements_,
                           .index_bits = index_bits_,
                           .field_bits = index_bits_ + 1,
                           .length = Length::kInFront};
    Workspace workspace(buffers.workspace);
    auto* const used = workspace.take<std::uint32_t>(1);
    const std::size_t blocks = list_blocks(elements_);
    launch.zero(used, sizeof *used);
    launch(CheckElements{}, blocks, list, std::size_t{1}, elements_, buffers.outcome);
    launch(FindUsedSigns{}, blocks, list, used);
    launch(CheckMeans{}, 1, buffers.payload.data(), used, buffers.outcome);
    launch(AddElements<DrydenValues>{}, blocks, list, DrydenValues{buffers.payload.data()},
           buffers.out.data(), buffers.outcome);
  }

 private:
  struct Parts {
    Parts(Workspace& workspace, std::size_t elements, std::size_t most)
        : work(workspace, elements),
          sent{.list = workspace.take<std::uint32_t>(most),
               .values = workspace.take<float>(most),
               .number = workspace.take<std::uint32_t>(1),
               .sums = workspace.take<double>(2)} {}

    Candidates<2> work;
    SignsSent sent;
  };

  std::size_t elements_;
  std::size_t most_;  // that are sent
  unsigned index_bits_;
  double rate_;
};

}  // namespace sterna::compressors::gpu
