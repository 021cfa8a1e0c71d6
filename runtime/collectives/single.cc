// One rank, no transport: no block has anywhere to go.
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

class NothingToMove : public Transfer {
 public:
  void wait() override {}
};

class Single : public Communicator {
 public:
  [[nodiscard]] std::string_view name() const override { return "single"; }
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int ranks() const override { return 1; }
  void abandon() override {}

 private:
  std::unique_ptr<Transfer> start_blocks(std::span<const SendBlock> sends,
                                         std::span<const ReceiveBlock> receives) override {
    STERNA_CHECK((sends.size() + receives.size()) == 0u);
    return std::make_unique<NothingToMove>();
  }
  void sum_in_any_order(std::span<float>) override {}
};

}  // namespace

std::unique_ptr<Communicator> make_single() {
  return std::make_unique<Single>();
}

}  // namespace sterna::collectives
