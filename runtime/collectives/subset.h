// Some ranks of a job as a communicator of their own, over the blocks of the whole.
#pragma once

#include <vector>

#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

// Blocks travel through the whole, which counts them too. So between the same two ranks, blocks of the subset
// and of the whole match in the one order in which both ranks start them.
class SubsetCommunicator : public Communicator {
 public:
  // The whole must outlive it.
  //   members  ranks of the whole, this one among them; members[i] becomes rank i
  SubsetCommunicator(Communicator& whole, std::vector<int> members);

  [[nodiscard]] std::string_view name() const override { return whole_.name(); }
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int ranks() const override { return static_cast<int>(members_.size()); }
  [[nodiscard]] bool may_change_threads() const override { return whole_.may_change_threads(); }
  void abandon() override { whole_.abandon(); }
  [[nodiscard]] Memory& memory_of(const void* address) override { return whole_.memory_of(address); }

 private:
  std::unique_ptr<Transfer> start_blocks(std::span<const SendBlock> sends,
                                         std::span<const ReceiveBlock> receives) override;
  // The library's all-reduce knows the whole alone: not to be called.
  void sum_in_any_order(std::span<float> values) override;

  Communicator& whole_;
  const std::vector<int> members_;
  int rank_;
};

}  // namespace sterna::collectives
