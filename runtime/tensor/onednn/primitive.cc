#include "runtime/tensor/onednn/primitive.h"

#include <utility>

#include "runtime/core/errors.h"

namespace sterna::tensor::onednn {
namespace {

dnnl::memory::dims dims_of(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

// The layouts of activations on processors: 8 (AVX2) or 16 (AVX-512) channels side by side.
constexpr struct {
  std::size_t lanes;
  dnnl::memory::format_tag tag;
} kBlocked[] = {{8, dnnl::memory::format_tag::nChw8c}, {16, dnnl::memory::format_tag::nChw16c}};

dnnl::memory::desc blocked_layout(const Shape& shape, dnnl::memory::format_tag tag) {
  return {dims_of(shape), dnnl::memory::data_type::f32, tag};
}

class OnednnLayout final : public BlockedLayout {
 public:
  OnednnLayout(dnnl::memory::desc layout, std::size_t lanes) : layout_(std::move(layout)), lanes_(lanes) {}

  std::size_t storage_elements() const override { return layout_.get_size() / sizeof(float); }
  std::size_t lanes() const override { return lanes_; }
  std::shared_ptr<const BlockedLayout> resized(const Shape& shape) const override {
    for (const auto& [lanes, tag] : kBlocked) {
      if (lanes == lanes_) return std::make_shared<OnednnLayout>(blocked_layout(shape, tag), lanes);
    }
    return nullptr;
  }

  const dnnl::memory::desc& layout() const { return layout_; }

 private:
  dnnl::memory::desc layout_;
  std::size_t lanes_;
};

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc any_layout(const Shape& shape) {
  return {dims_of(shape), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

dnnl::memory::desc plain_layout(const Shape& shape) {
  dnnl::memory::dims strides(shape.size(), 1);
  for (std::size_t axis = shape.size() - 1; axis > 0; --axis) {
    strides[axis - 1] = strides[axis] * static_cast<dnnl::memory::dim>(shape[axis]);
  }
  return {dims_of(shape), dnnl::memory::data_type::f32, strides};
}

dnnl::memory::desc layout_of(const TensorForm& form) {
  if (form.is_plain()) return plain_layout(form.shape);
  const auto* blocks = dynamic_cast<const OnednnLayout*>(form.blocks.get());
  STERNA_CHECK(blocks != nullptr);
  return blocks->layout();
}

TensorForm form_of(const Shape& shape, const dnnl::memory::desc& layout) {
  if (layout == plain_layout(shape)) return {.shape = shape, .blocks = nullptr};
  for (const auto& [lanes, tag] : kBlocked) {
    if (layout != blocked_layout(shape, tag)) continue;
    return {.shape = shape, .blocks = std::make_shared<OnednnLayout>(layout, lanes)};
  }
  return {.shape = shape, .blocks = nullptr};
}

dnnl::primitive_attr with_our_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

Workspace::Part Workspace::set_aside(std::size_t bytes) {
  constexpr std::size_t kBorder = 64;
  const std::size_t offset = bytes_;
  bytes_ += (bytes + kBorder - 1) / kBorder * kBorder;
  arena_->reserve_scratch(bytes_);
  return {.arena = arena_, .offset = offset};
}

Argument::Argument(const dnnl::memory::desc& callers, const dnnl::memory::desc& chosen, Workspace& workspace)
    : callers_(callers, cpu_engine(), nullptr) {
  if (callers == chosen) return;
  staging_ = workspace.set_aside(chosen.get_size());
  staged_ = dnnl::memory(chosen, cpu_engine(), nullptr);
  load_ = dnnl::reorder(callers_, *staged_);
  store_ = dnnl::reorder(*staged_, callers_);
}

void Argument::bind(const float* data) {
  // oneDNN's memory is writable by type, also what is only read.
  callers_.set_data_handle(const_cast<float*>(data));
  if (staged_) staged_->set_data_handle(staging_.address());
}

void Argument::load(dnnl::stream& stream) {
  if (staged_) load_.execute(stream, callers_, *staged_);
}

void Argument::store(dnnl::stream& stream) {
  if (staged_) store_.execute(stream, *staged_, callers_);
}

Call::Call(const dnnl::primitive_desc_base& description, std::unordered_map<int, dnnl::memory> arguments,
           Workspace& workspace)
    : primitive_(description.get()),
      arguments_(std::move(arguments)),
      scratchpad_(description.query_md(dnnl::query::exec_arg_md, DNNL_ARG_SCRATCHPAD), cpu_engine(), nullptr),
      working_memory_(workspace.set_aside(scratchpad_.get_desc().get_size())) {
  arguments_.emplace(DNNL_ARG_SCRATCHPAD, scratchpad_);
}

void Call::run(dnnl::stream& stream) {
  scratchpad_.set_data_handle(working_memory_.address());
  primitive_.execute(stream, arguments_);
}

}  // namespace sterna::tensor::onednn
