// Where a rank's blocks lie, and what collectives do with values there: the host's memory, or a device's.
//
// On a device these functions enqueue and return: what they do follows the blocks that were started before,
// and is followed by those that are started after, in the order of the calls. settle() waits for it.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/core/aligned_vector.h"
#include "runtime/numerics/value_format.h"

namespace sterna::collectives {

// The operands of a sum over ranks: this rank's own values, and those of its peers side by side.
struct TreeOperands {
  float* of_ranks;       // [ranks * stride]; rank r's at r * stride, but for own_rank's
  std::size_t stride;    // values
  std::size_t ranks;     // P
  std::size_t own_rank;  // its values are those that the sum replaces
};

class Memory {
 public:
  virtual ~Memory() = default;

  // Both as long, both here; they may be the same place.
  virtual void copy(std::span<const std::byte> from, std::span<std::byte> to) = 0;

  // As numerics::pack_values() and unpack_values().
  virtual void pack(std::span<const float> values, numerics::ValueFormat format,
                    std::span<std::byte> bytes) = 0;
  virtual void unpack(std::span<const std::byte> bytes, numerics::ValueFormat format,
                      std::span<float> values) = 0;

  // Rounds each value to the format.
  virtual void round(std::span<float> values, numerics::ValueFormat format) = 0;

  // Replaces own[i] by the sum over ranks in the order of for_each_tree_addition(). The values of the others
  // are arbitrary afterwards.
  virtual void add_in_tree_order(const TreeOperands& operands, std::span<float> own) = 0;

  // At least so many values, their contents arbitrary; the next call may move them. Kept from call to call.
  [[nodiscard]] virtual std::span<float> scratch(std::size_t values) = 0;

  // Returns when all that was enqueued here, and every block started before, is done. Throws CommError.
  virtual void settle() = 0;
};

class HostMemory : public Memory {
 public:
  void copy(std::span<const std::byte> from, std::span<std::byte> to) override;
  void pack(std::span<const float> values, numerics::ValueFormat format, std::span<std::byte> bytes) override;
  void unpack(std::span<const std::byte> bytes, numerics::ValueFormat format,
              std::span<float> values) override;
  void round(std::span<float> values, numerics::ValueFormat format) override;
  void add_in_tree_order(const TreeOperands& operands, std::span<float> own) override;
  [[nodiscard]] std::span<float> scratch(std::size_t values) override;
  void settle() override {}

 private:
  AlignedVector<float> scratch_;
};

}  // namespace sterna::collectives
