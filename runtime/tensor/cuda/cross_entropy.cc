#include <numeric>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/makers.h"

namespace sterna::tensor::cuda {
namespace {

class Loss final : public CrossEntropy {
 public:
  Loss(std::size_t rows, std::size_t classes, DeviceStream& stream)
      : stream_(stream),
        extents_{.rows = static_cast<std::uint32_t>(rows), .classes = static_cast<std::uint32_t>(classes)},
        losses_(stream.array<double>(rows)),
        is_correct_(stream.array<std::uint32_t>(rows)),
        is_in_top5_(stream.array<std::uint32_t>(rows)) {
    STERNA_CHECK((rows * classes) < (std::size_t{1} << 31));
  }

  void score(ConstTensor logits, std::span<const std::int32_t> labels, const CrossEntropyOptions& options,
             Tensor gradient) override {
    STERNA_CHECK(labels.size() == extents_.rows);
    enqueue_row_scores(stream_.launch(), extents_, options, logits.data, labels.data(),
                       {.losses = losses_.data(), .is_correct = is_correct_.data()}, gradient.data);
  }

  // The host adds the rows up, in their order.
  CrossEntropySums sums() override {
    const std::vector<double> losses = on_host(losses_);
    return {.loss = std::accumulate(losses.begin(), losses.end(), 0.0), .correct = count(is_correct_)};
  }

  std::size_t count_in_top5(ConstTensor logits, std::span<const std::int32_t> labels) override {
    STERNA_CHECK(labels.size() == extents_.rows);
    enqueue_top5(stream_.launch(), extents_, logits.data, labels.data(), losses_.data(), is_in_top5_.data());
    return count(is_in_top5_);
  }

 private:
  template <typename Element>
  std::vector<Element> on_host(const DeviceArray<Element>& array) const {
    std::vector<Element> host(array.all().size());
    stream_.copy_to_host(std::span<const Element>(array.all()), std::span(host));
    return host;
  }
  [[nodiscard]] std::size_t count(const DeviceArray<std::uint32_t>& flags) const {
    const std::vector<std::uint32_t> host = on_host(flags);
    return std::accumulate(host.begin(), host.end(), std::size_t{0});
  }

  DeviceStream& stream_;
  LossExtents extents_;
  DeviceArray<double> losses_;
  DeviceArray<std::uint32_t> is_correct_;
  DeviceArray<std::uint32_t> is_in_top5_;
};

}  // namespace

std::unique_ptr<CrossEntropy> make_cross_entropy(std::size_t rows, std::size_t classes,
                                                 DeviceStream& stream) {
  return std::make_unique<Loss>(rows, classes, stream);
}

}  // namespace sterna::tensor::cuda
