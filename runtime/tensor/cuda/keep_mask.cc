#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/makers.h"

namespace sterna::tensor::cuda {
namespace {

class Mask final : public KeepMask {
 public:
  Mask(std::size_t elements, DeviceStream& stream)
      : launch_(stream.launch()),
        elements_(elements),
        bits_(stream.array<std::uint32_t>((elements + 31) / 32)) {}

  void draw(const kernels::KeepRule& rule) override {
    scale_ = rule.scale;
    enqueue_keep_bits(launch_, rule, bits_.all());
  }

  void apply(std::span<const float> input, std::span<float> output) override {
    STERNA_CHECK(input.size() == elements_);
    enqueue_keep(launch_, bits_.all(), scale_, input, output);
  }

 private:
  Launcher& launch_;
  std::size_t elements_;
  DeviceArray<std::uint32_t> bits_;
  float scale_ = 1.0f;
};

}  // namespace

std::unique_ptr<KeepMask> make_keep_mask(std::size_t elements, DeviceStream& stream) {
  return std::make_unique<Mask>(elements, stream);
}

}  // namespace sterna::tensor::cuda
