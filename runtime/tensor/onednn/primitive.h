// What the operations of this folder share: memory descriptions, arguments that are reordered where that is
// faster, and calls with their arguments bound once. For this folder alone: it includes oneDNN.
#pragma once

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <unordered_map>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor::onednn {

// The processor as oneDNN sees it.
[[nodiscard]] const dnnl::engine& cpu_engine();

// float32 of this shape in whichever layout the primitive likes best.
[[nodiscard]] dnnl::memory::desc any_layout(const Shape& shape);

// float32 of this shape, row-major.
[[nodiscard]] dnnl::memory::desc plain_layout(const Shape& shape);

[[nodiscard]] dnnl::memory::desc layout_of(const TensorForm& form);

// The form with that layout; the plain one if our own operations do not know the layout.
[[nodiscard]] TensorForm form_of(const Shape& shape, const dnnl::memory::desc& layout);

// Asks oneDNN to take its working memory from us.
[[nodiscard]] dnnl::primitive_attr with_our_scratchpad();

// One argument of a primitive. Where the caller's layout is not the one that the primitive chose, it passes
// through a buffer of our own.
class Argument {
 public:
  Argument(const dnnl::memory::desc& callers, const dnnl::memory::desc& chosen, Arena& arena);

  // What the primitive reads or writes.
  [[nodiscard]] const dnnl::memory& memory() const { return staged_ ? *staged_ : callers_; }

  void bind(const float* data) { callers_.set_data_handle(const_cast<float*>(data)); }

  // After bind(): brings the caller's elements to memory(), before the primitive runs.
  void load(dnnl::stream& stream);

  // After bind(): brings memory() to the caller, after the primitive has run.
  void store(dnnl::stream& stream);

 private:
  dnnl::memory callers_;
  std::optional<dnnl::memory> staged_;
  dnnl::reorder load_;
  dnnl::reorder store_;
};

// A primitive and its arguments. It runs many times over memory that is bound anew each time.
class Call {
 public:
  Call(const dnnl::primitive_desc_base& description, std::unordered_map<int, dnnl::memory> arguments,
       Arena& arena);

  void run(dnnl::stream& stream);

 private:
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
  dnnl::memory scratchpad_;
  Arena* arena_;
};

}  // namespace sterna::tensor::onednn
