#include "runtime/tensor/onednn/reorder.h"

#include "runtime/tensor/onednn/primitive.h"

namespace sterna::tensor {
namespace {

class OnednnReorder final : public Reorder {
 public:
  explicit OnednnReorder(const TensorForm& form)
      : stream_(onednn::cpu_engine()),
        blocked_(onednn::layout_of(form), onednn::cpu_engine(), nullptr),
        plain_(onednn::plain_layout(form.shape), onednn::cpu_engine(), nullptr),
        to_plain_(blocked_, plain_),
        from_plain_(plain_, blocked_) {}

  void to_plain(ConstTensor blocked, Tensor plain) override {
    bind(blocked.data, plain.data);
    to_plain_.execute(stream_, blocked_, plain_);
  }

  void from_plain(ConstTensor plain, Tensor blocked) override {
    bind(blocked.data, plain.data);
    from_plain_.execute(stream_, plain_, blocked_);
  }

 private:
  // oneDNN's memory is writable by type; the source of a reorder is only read.
  void bind(const float* blocked, const float* plain) {
    blocked_.set_data_handle(const_cast<float*>(blocked));
    plain_.set_data_handle(const_cast<float*>(plain));
  }

  dnnl::stream stream_;
  dnnl::memory blocked_;
  dnnl::memory plain_;
  dnnl::reorder to_plain_;
  dnnl::reorder from_plain_;
};

}  // namespace

std::unique_ptr<Reorder> make_reorder(const TensorForm& form) {
  return std::make_unique<OnednnReorder>(form);
}

}  // namespace sterna::tensor
