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

// The working memory of one call, in what all layers share: nothing in it outlives the call.
class Workspace {
 public:
  explicit Workspace(Arena& arena) : arena_(&arena) {}

  // Its address is fixed once no one asks for shared memory any more.
  struct Part {
    Arena* arena = nullptr;
    std::size_t offset = 0;  // on a 64-byte border

    [[nodiscard]] std::byte* address() const { return arena->scratch() + offset; }
  };

  [[nodiscard]] Part set_aside(std::size_t bytes);

 private:
  Arena* arena_;
  std::size_t bytes_ = 0;
};

// One argument of a primitive. Where the caller's layout is not the one that the primitive chose, it passes
// through the call's working memory.
class Argument {
 public:
  Argument(const dnnl::memory::desc& callers, const dnnl::memory::desc& chosen, Workspace& workspace);

  // What the primitive reads or writes.
  [[nodiscard]] const dnnl::memory& memory() const { return staged_ ? *staged_ : callers_; }

  // Names the caller's elements, for this call.
  void bind(const float* data);

  // After bind(): brings the caller's elements to memory(), before the primitive runs.
  void load(dnnl::stream& stream);

  // After bind(): brings memory() to the caller, after the primitive has run.
  void store(dnnl::stream& stream);

 private:
  dnnl::memory callers_;
  std::optional<dnnl::memory> staged_;
  Workspace::Part staging_;
  dnnl::reorder load_;
  dnnl::reorder store_;
};

// A primitive and its arguments. It runs many times over memory that is bound anew each time.
class Call {
 public:
  Call(const dnnl::primitive_desc_base& description, std::unordered_map<int, dnnl::memory> arguments,
       Workspace& workspace);

  void run(dnnl::stream& stream);

 private:
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
  dnnl::memory scratchpad_;
  Workspace::Part working_memory_;
};

}  // namespace sterna::tensor::onednn
