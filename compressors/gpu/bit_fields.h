// Fields packed without gaps, as runtime/wire/bits.h packs them, read and written by many threads.
#pragma once

#include "compressors/gpu/block.h"

namespace sterna::compressors::gpu {

// The field of `bits` <= 33 at a bit of `bytes`. Reads no byte that it does not lie in.
STERNA_DEVICE std::uint64_t read_field(const std::byte* bytes, std::uint64_t at_bit, unsigned bits) {
  const std::uint64_t first = at_bit / 8;
  const std::uint64_t end = (at_bit + bits + 7) / 8;
  std::uint64_t word = 0;
  for (std::uint64_t byte = first; byte < end; ++byte) {
    word |= static_cast<std::uint64_t>(bytes[byte]) << (8 * (byte - first));
  }
  return word >> (at_bit % 8) & ((std::uint64_t{1} << bits) - 1);
}

// Whether the bits behind the last of `fields` fields, up to the next whole byte, are 0.
STERNA_DEVICE bool is_padding_zero(const std::byte* bytes, std::uint64_t fields, unsigned bits) {
  const std::uint64_t used = fields * bits;
  return used % 8 == 0 || static_cast<unsigned>(bytes[used / 8]) >> (used % 8) == 0;
}

// wire::packed_bytes().
STERNA_DEVICE std::uint64_t bytes_of_fields(std::uint64_t fields, unsigned bits) {
  return (fields * bits + 7) / 8;
}

STERNA_DEVICE std::uint32_t load_32(const std::byte* at) {
  return static_cast<std::uint32_t>(read_field(at, 0, 32));
}

// Of any alignment.
STERNA_DEVICE void store_32(std::byte* at, std::uint32_t value) {
  for (unsigned byte = 0; byte < 4; ++byte) at[byte] = static_cast<std::byte>(value >> (8 * byte));
}

// A byte of packed fields: each thread gathers the fields that lie in its own.
//   fields  fields.count() of them; fields(i) is field i
template <typename Fields>
STERNA_DEVICE std::byte packed_byte(const Fields& fields, std::uint64_t count, unsigned bits,
                                    std::uint64_t byte) {
  const std::uint64_t begin = 8 * byte;
  std::uint64_t packed = 0;
  for (std::uint64_t field = begin / bits; field < count && field * bits < begin + 8; ++field) {
    const std::uint64_t at = field * bits;
    packed |= at >= begin ? fields(field) << (at - begin) : fields(field) >> (begin - at);
  }
  return static_cast<std::byte>(packed);
}

// Writes all fields. `bits` is not 0 where there are any.
template <typename Fields>
struct PackFields {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Fields fields, unsigned bits, std::byte* out) {
    const std::uint64_t count = fields.count();
    const std::uint64_t bytes = bytes_of_fields(count, bits);
    for (std::uint64_t byte = grid_thread(context); byte < bytes; byte += grid_threads(context)) {
      out[byte] = packed_byte(fields, count, bits, byte);
    }
  }
};

// Elements as they are listed before they are packed: index, and in bit 31 the sign. A layer has at most
// 2^31.
struct ListedElements {
  const std::uint32_t* elements;
  const std::uint32_t* number;  // of them
  unsigned index_bits;
  bool has_signs;  // else bit 31 is left out

  STERNA_DEVICE std::uint64_t count() const { return *number; }
  STERNA_DEVICE std::uint64_t operator()(std::uint64_t i) const {
    const std::uint32_t element = elements[i];
    const std::uint64_t index = element & 0x7fffffff;
    return has_signs ? index | static_cast<std::uint64_t>(element >> 31) << index_bits : index;
  }
};

}  // namespace sterna::compressors::gpu
