#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/makers.h"

namespace sterna::tensor::cuda {
namespace {

std::uint32_t extent(std::size_t value) {
  STERNA_CHECK(value < (std::size_t{1} << 31));
  return static_cast<std::uint32_t>(value);
}

PoolingExtents extents_of(const TensorForm& input, const TensorForm& output, const PoolingShape& shape) {
  STERNA_CHECK(input.is_plain() == true);
  return {.height = extent(input.shape[2]),
          .width = extent(input.shape[3]),
          .output_height = output.shape.size() == 2 ? 1 : extent(output.shape[2]),
          .output_width = output.shape.size() == 2 ? 1 : extent(output.shape[3]),
          .window = extent(shape.window),
          .stride = extent(shape.stride),
          .padding = extent(shape.padding)};
}

std::size_t pooled(std::size_t length, const PoolingShape& shape) {
  STERNA_CHECK((length + 2 * shape.padding) >= shape.window);
  return (length + 2 * shape.padding - shape.window) / shape.stride + 1;
}

class MaxPooling final : public Pooling {
 public:
  MaxPooling(const TensorForm& input, const PoolingShape& shape, DeviceStream& stream)
      : stream_(stream),
        output_form_(input.resized({input.shape.at(0), input.shape.at(1), pooled(input.shape.at(2), shape),
                                    pooled(input.shape.at(3), shape)})),
        extents_(extents_of(input, output_form_, shape)),
        chosen_(stream.array<std::int32_t>(output_form_.storage_elements())) {
    STERNA_CHECK((2 * shape.padding) <= shape.window);
  }

  const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, Tensor output) override {
    enqueue_max_pool(stream_.launch(), extents_, input.storage(), output.storage(), chosen_.data());
  }

  void backward(ConstTensor output_gradient, Tensor input_gradient) override {
    enqueue_max_pool_backward(stream_.launch(), extents_, output_gradient.data, chosen_.data(),
                              input_gradient.storage());
  }

 private:
  DeviceStream& stream_;
  TensorForm output_form_;
  PoolingExtents extents_;
  DeviceArray<std::int32_t> chosen_;
};

TensorForm averaged_form(const TensorForm& input, const AveragePoolingShape& shape) {
  STERNA_CHECK((shape.window == 0 || shape.outputs == 0) == true);
  if (shape.window == 0 && shape.outputs == 0) {
    return {.shape = {input.shape.at(0), input.shape.at(1)}, .blocks = nullptr};
  }
  const auto averaged = [&](std::size_t length) {
    return shape.window > 0 ? length / shape.window : shape.outputs;
  };
  return input.resized(
      {input.shape.at(0), input.shape.at(1), averaged(input.shape.at(2)), averaged(input.shape.at(3))});
}

class AveragePooling final : public Pooling {
 public:
  AveragePooling(const TensorForm& input, const AveragePoolingShape& shape, DeviceStream& stream)
      : stream_(stream),
        output_form_(averaged_form(input, shape)),
        extents_(
            extents_of(input, output_form_, {.window = shape.window, .stride = shape.window, .padding = 0})) {
    STERNA_CHECK((extents_.output_height * extents_.output_width) > 0u);
  }

  const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, Tensor output) override {
    enqueue_average_pool(stream_.launch(), extents_, input.data, output.storage());
  }

  void backward(ConstTensor output_gradient, Tensor input_gradient) override {
    enqueue_average_pool_backward(stream_.launch(), extents_, output_gradient.data, input_gradient.storage());
  }

 private:
  DeviceStream& stream_;
  TensorForm output_form_;
  PoolingExtents extents_;
};

}  // namespace

std::unique_ptr<Pooling> make_max_pooling(const TensorForm& input, const PoolingShape& shape,
                                          DeviceStream& stream) {
  return std::make_unique<MaxPooling>(input, shape, stream);
}

std::unique_ptr<Pooling> make_average_pooling(const TensorForm& input, const AveragePoolingShape& shape,
                                              DeviceStream& stream) {
  return std::make_unique<AveragePooling>(input, shape, stream);
}

}  // namespace sterna::tensor::cuda
