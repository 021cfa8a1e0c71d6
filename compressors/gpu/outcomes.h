// What becomes of what the device has found out: payloads, whose lengths it alone knows, in a row, the
// lengths in a table that travels, and one word for whether anything was refused.
#pragma once

#include <span>

#include "compressors/gpu/block.h"
#include "compressors/gpu/gpu_compressor.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// Sections begin at multiples of so many bytes, as payloads must that kernels decode.
inline constexpr std::size_t kSectionAlignment = 4;

constexpr std::size_t padded_section(std::size_t bytes) {
  return ceil_div(bytes, kSectionAlignment) * kSectionAlignment;
}

// Where a section goes. All of it lies in device memory.
struct SectionPlace {
  std::byte* message = nullptr;          // begins at a multiple of 4
  const std::uint32_t* begin = nullptr;  // of this section in the message; written by the one before
  std::uint32_t* end = nullptr;          // of it, with its padding: where the next one begins
  std::uint32_t* length = nullptr;       // of it, without
};

// Moves a payload behind those before it. Its padding is zeros.
struct AppendSection {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const std::byte* payload, const Outcome* outcome,
                                SectionPlace place) {
    const std::size_t begin = *place.begin;
    const std::size_t bytes = outcome->payload_bytes;
    const std::size_t padded = padded_section(bytes);
    if (grid_thread(context) == 0) {
      *place.length = static_cast<std::uint32_t>(bytes);
      *place.end = static_cast<std::uint32_t>(begin + padded);
    }
    const auto* const from = reinterpret_cast<const std::uint32_t*>(payload);
    auto* const to = reinterpret_cast<std::uint32_t*>(place.message + begin);
    const std::size_t words = bytes / kSectionAlignment;
    for (std::size_t i = grid_thread(context); i < words; i += grid_threads(context)) to[i] = from[i];
    const std::size_t at = words * kSectionAlignment + grid_thread(context);
    if (at < padded) place.message[begin + at] = at < bytes ? payload[at] : std::byte{0};
  }
};

// The lengths of an index section and of the payload at its indices.
struct StoreIndexLengths {
  static constexpr unsigned kThreads = 1;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context&, Shared&, const Outcome* outcome, std::uint32_t* lengths) {
    lengths[0] = static_cast<std::uint32_t>(outcome->index_bytes);
    lengths[1] = static_cast<std::uint32_t>(outcome->payload_bytes);
  }
};

// Raises *last to 1 + the place of the last outcome that was refused, if there is one.
struct NoteRefusals {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const Outcome* outcomes, std::uint32_t count,
                                std::uint32_t* last) {
    for (std::uint32_t i = context.thread(); i < count; i += kBlockThreads) {
      if (outcomes[i].is_refused != 0) context.atomic_max(last, i + 1);
    }
  }
};

// Enqueues the move of what encode() has left in `payload`, of its longest possible length, to its place.
//   payload  begins at a multiple of 4
template <typename Launcher>
void append_section(Launcher& launch, std::span<const std::byte> payload, const Outcome* outcome,
                    const SectionPlace& place) {
  constexpr std::size_t kWordsAThread = 4;
  const std::size_t blocks = list_blocks(ceil_div(payload.size(), kSectionAlignment * kWordsAThread) + 1);
  launch(AppendSection{}, blocks, payload.data(), outcome, place);
}

// lengths[0] and [1] become those of what encode_as_leader() has made.
template <typename Launcher>
void store_index_lengths(Launcher& launch, const Outcome* outcome, std::uint32_t* lengths) {
  launch(StoreIndexLengths{}, 1, outcome, lengths);
}

// As NoteRefusals. *last is 0 where nothing has been refused.
template <typename Launcher>
void note_refusals(Launcher& launch, std::span<const Outcome> outcomes, std::uint32_t* last) {
  STERNA_CHECK(outcomes.size() <= (std::size_t{1} << 31));
  launch(NoteRefusals{}, outcomes.empty() ? 0 : 1, outcomes.data(),
         static_cast<std::uint32_t>(outcomes.size()), last);
}

}  // namespace sterna::compressors::gpu
