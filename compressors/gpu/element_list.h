// Lists of elements as payloads and index sections have them: fields with an ascending index each, and maybe
// a sign above it. Of topk, strom, dryden, randomk, and scalecom with exact selection.
#pragma once

#include "compressors/gpu/bit_fields.h"
#include "compressors/gpu/gpu_compressor.h"

namespace sterna::compressors::gpu {

// Where a list has its length.
enum class Length { kKnown, kInFront };  // in front: 32 bits before the fields, which fill all bytes

struct ElementList {
  const std::byte* data = nullptr;  // of the list, its length included
  std::size_t bytes = 0;
  std::size_t known_count = 0;  // Length::kKnown
  std::size_t elements = 0;     // of the layer
  unsigned index_bits = 0;
  unsigned field_bits = 0;  // index_bits, or 1 more for a sign
  Length length = Length::kKnown;

  STERNA_DEVICE const std::byte* fields() const { return data + (length == Length::kInFront ? 4 : 0); }
  // Of a list in front of which anything may stand: 0 where that is no length of so many bytes.
  STERNA_DEVICE std::size_t count() const {
    if (length == Length::kKnown) return known_count;
    if (bytes < 4) return 0;
    const std::size_t said = load_32(data);
    return 4 + bytes_of_fields(said, field_bits) == bytes && said <= elements ? said : 0;
  }
  STERNA_DEVICE std::size_t index(std::size_t i) const {
    return static_cast<std::size_t>(read_field(fields(), std::uint64_t{i} * field_bits, index_bits));
  }
  STERNA_DEVICE bool is_negative(std::size_t i) const {
    return read_field(fields(), std::uint64_t{i} * field_bits + index_bits, 1) != 0;
  }
};

// Refuses a list with a wrong length, indices that do not ascend or lie beyond the layer, or padding.
//   least, most  entries that there may be
struct CheckElements {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ElementList list, std::size_t least,
                                std::size_t most, Outcome* outcome) {
    const std::size_t count = list.count();
    bool is_legal = true;
    if (grid_thread(context) == 0) {
      const bool is_consistent =
          list.length == Length::kKnown || (list.bytes >= 4 && load_32(list.data) == count &&
                                            4 + bytes_of_fields(count, list.field_bits) == list.bytes);
      is_legal = is_consistent && count >= least && count <= most &&
                 is_padding_zero(list.fields(), count, list.field_bits);
    }
    for (std::size_t i = grid_thread(context); i < count; i += grid_threads(context)) {
      const std::size_t index = list.index(i);
      is_legal = is_legal && index < list.elements && (i == 0 || index > list.index(i - 1));
    }
    if (!is_legal) context.atomic_or(&outcome->is_refused, std::uint32_t{1});
  }
};

// out[index] += values(list, i) for each entry. `Values` is what entry i stands for.
template <typename Values>
struct AddElements {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ElementList list, Values values, float* out,
                                const Outcome* outcome) {
    if (outcome->is_refused != 0) return;
    const std::size_t count = list.count();
    for (std::size_t i = grid_thread(context); i < count; i += grid_threads(context)) {
      out[list.index(i)] += values(list, i);
    }
  }
};

// out[index] = values[i]
struct PutElements {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ElementList list, const float* values, float* out,
                                const Outcome* outcome) {
    if (outcome->is_refused != 0) return;
    const std::size_t count = list.count();
    for (std::size_t i = grid_thread(context); i < count; i += grid_threads(context)) {
      out[list.index(i)] = values[i];
    }
  }
};

// out[i] = 0, unless indices were refused.
struct ClearElements {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, std::size_t elements, float* out,
                                const Outcome* outcome) {
    const std::size_t i = grid_thread(context);
    if (i < elements && outcome->is_refused == 0) out[i] = 0.0f;
  }
};

// residue += beta * gradient, in two roundings, unless indices were refused.
struct AddToResidue {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, std::size_t elements, float beta,
                                const float* gradient, float* residue, const Outcome* outcome) {
    const std::size_t i = grid_thread(context);
    if (i < elements && outcome->is_refused == 0) residue[i] += beta * gradient[i];
  }
};

// payload[i] = residue + gradient at the i-th index, and before[i] the residue there.
struct TakeElements {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ElementList list, const float* gradient,
                                const float* residue, float* before, float* payload, Outcome* outcome) {
    if (outcome->is_refused != 0) return;
    const std::size_t count = list.count();
    if (grid_thread(context) == 0) {
      outcome->payload_bytes = count * sizeof(float);
      outcome->elements_sent = count;
    }
    for (std::size_t i = grid_thread(context); i < count; i += grid_threads(context)) {
      const std::size_t index = list.index(i);
      before[i] = residue[index];
      payload[i] = residue[index] + gradient[index];
    }
  }
};

// What was sent is out of the residue: before - beta * before.
struct MoveOnElements {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ElementList list, float beta, const float* before,
                                float* residue, const Outcome* outcome) {
    if (outcome->is_refused != 0) return;
    const std::size_t count = list.count();
    for (std::size_t i = grid_thread(context); i < count; i += grid_threads(context)) {
      residue[list.index(i)] = before[i] - beta * before[i];
    }
  }
};

// What followers of a list do: two short passes and one over the layer, 8 bytes read and 4 written an
// element.
//   before  room for max_count values
template <typename Launcher>
void follow_elements(Launcher& launch, const ElementList& list, std::size_t max_count, float beta,
                     const EncodeBuffers& buffers, float* before) {
  const std::size_t elements = buffers.gradient.size();
  const std::size_t blocks = list_blocks(max_count);
  launch(TakeElements{}, blocks, list, buffers.gradient.data(), buffers.residue.data(), before,
         reinterpret_cast<float*>(buffers.payload.data()), buffers.outcome);
  launch(AddToResidue{}, ceil_div(elements, kBlockThreads), elements, beta, buffers.gradient.data(),
         buffers.residue.data(), buffers.outcome);
  launch(MoveOnElements{}, blocks, list, beta, before, buffers.residue.data(), buffers.outcome);
}

// Overwrites `out` with the values at their indices, and 0 elsewhere; a list that is refused leaves it alone.
template <typename Launcher>
void scatter_elements(Launcher& launch, const ElementList& list, std::size_t max_count,
                      const DecodeBuffers& buffers) {
  launch(ClearElements{}, ceil_div(buffers.out.size(), kBlockThreads), buffers.out.size(), buffers.out.data(),
         buffers.outcome);
  launch(PutElements{}, list_blocks(max_count), list, buffers.values.data(), buffers.out.data(),
         buffers.outcome);
}

}  // namespace sterna::compressors::gpu
