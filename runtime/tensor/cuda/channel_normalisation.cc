#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/makers.h"

namespace sterna::tensor::cuda {
namespace {

NormalisationExtents extents_of(const TensorForm& form) {
  STERNA_CHECK(form.is_plain() == true);
  STERNA_CHECK(form.shape.size() == 4u);
  STERNA_CHECK(elements_of(form.shape) < (std::size_t{1} << 31));
  const auto positions = static_cast<std::uint32_t>(form.shape[2] * form.shape[3]);
  const auto samples = static_cast<std::uint32_t>(form.shape[0]);
  STERNA_CHECK((std::size_t{samples} * positions) > 1u);
  return {.samples = samples, .channels = static_cast<std::uint32_t>(form.shape[1]), .positions = positions};
}

class Normalisation final : public ChannelNormalisation {
 public:
  Normalisation(const TensorForm& form, double epsilon, kernels::Clamp clamp, DeviceStream& stream)
      : launch_(stream.launch()),
        extents_(extents_of(form)),
        epsilon_(epsilon),
        clamp_(clamp),
        doubles_(stream.array<double>(2 * form.shape[1])),
        floats_(stream.array<float>(8 * form.shape[1])),
        partials_(stream.array<float>(2 * form.shape[0] * form.shape[1])) {}

  void forward_batch(ConstTensor input, const ScaleAndShift& learned, ConstTensor addend,
                     Tensor output) override {
    has_addend_ = addend.data != nullptr;
    enqueue_channel_moments(launch_, extents_, input.data, partials(), moments());
    enqueue_affine(launch_, moments(), learned, epsilon_, affine());
    enqueue_normalised_channels(launch_, extents_, affine(), clamp_, input.data, addend.data, output.data);
  }

  void move_statistics(double momentum, std::span<float> means, std::span<float> variances) override {
    STERNA_CHECK(means.size() == extents_.channels);
    STERNA_CHECK(variances.size() == extents_.channels);
    enqueue_moved_statistics(launch_, extents_, moments(), momentum, means.data(), variances.data());
  }

  void forward_with(std::span<const float> means, std::span<const float> variances, ConstTensor input,
                    const ScaleAndShift& learned, ConstTensor addend, Tensor output) override {
    enqueue_affine(launch_, means, variances, learned, epsilon_, evaluation_affine());
    enqueue_normalised_channels(launch_, extents_, evaluation_affine(), clamp_, input.data, addend.data,
                                output.data);
  }

  void reduce_gradient(ConstTensor input, ConstTensor output, Tensor output_gradient, std::span<float> scale,
                       std::span<float> shift) override {
    enqueue_channel_gradients(launch_, extents_, affine(), clamp_, input.data,
                              has_addend_ ? output.data : nullptr, output_gradient.data, partials());
    enqueue_combined_gradients(launch_, extents_, partials(), moments(), affine(), epsilon_, slopes(), scale,
                               shift);
  }

  // With an addend, the first half has left the gradient behind the clamp.
  void input_gradient(ConstTensor input, ConstTensor output_gradient, Tensor input_gradient) override {
    enqueue_channel_input_gradient(launch_, extents_, affine(), slopes(),
                                   has_addend_ ? kernels::Clamp{} : clamp_, input.data, output_gradient.data,
                                   input_gradient.data);
  }

 private:
  [[nodiscard]] float* channel_floats(std::size_t number) const {
    return floats_.data() + number * extents_.channels;
  }
  [[nodiscard]] ChannelMoments moments() const {
    return {.means = doubles_.data(), .variances = doubles_.data() + extents_.channels};
  }
  [[nodiscard]] ChannelAffine affine() const {
    return {.mean = channel_floats(0), .scale = channel_floats(1), .shift = channel_floats(2)};
  }
  // Apart, so that backward finds that of the last batch.
  [[nodiscard]] ChannelAffine evaluation_affine() const {
    return {.mean = channel_floats(3), .scale = channel_floats(4), .shift = channel_floats(5)};
  }
  [[nodiscard]] ChannelSlopes slopes() const {
    return {.by_deviation = channel_floats(6), .constant = channel_floats(7)};
  }
  [[nodiscard]] PlanePartials partials() const {
    return {.first = partials_.data(),
            .second = partials_.data() + std::size_t{extents_.samples} * extents_.channels};
  }

  Launcher& launch_;
  NormalisationExtents extents_;
  double epsilon_;
  kernels::Clamp clamp_;
  bool has_addend_ = false;
  DeviceArray<double> doubles_;
  DeviceArray<float> floats_;
  DeviceArray<float> partials_;
};

}  // namespace

std::unique_ptr<ChannelNormalisation> make_channel_normalisation(const TensorForm& form, double epsilon,
                                                                 kernels::Clamp clamp, DeviceStream& stream) {
  return std::make_unique<Normalisation>(form, epsilon, clamp, stream);
}

}  // namespace sterna::tensor::cuda
