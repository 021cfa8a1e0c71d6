// Symbols one at a time: what an encoder-decoder model says follows the target so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "models/model.h"

namespace sterna::models {

// Sources side by side, and of each so many targets that grow at once (the width of a beam).
struct GeneratorShape {
  std::size_t sources;
  std::size_t targets = 1;  // of each source

  [[nodiscard]] std::size_t rows() const { return sources * targets; }
};

// Row s * targets + k is target k of source s. What a row was given stays in memory, keys and values of every
// layer, so that a symbol more costs one position and not all of them. A row's logits depend on its place
// among the rows at most by rounding, and not on what the others hold.
class Generator {
 public:
  virtual ~Generator() = default;

  // Forgets all targets.
  //   symbols  [sources, source positions], padded with 0; a source of padding alone is legal
  //   arenas   values must last until the last next()
  virtual void begin(std::span<const std::int32_t> symbols, const PassArenas& arenas) = 0;

  // Row r becomes a copy of row from[r], as it was.
  virtual void reorder(std::span<const std::size_t> from) = 0;

  // Appends one symbol to each row, the begin of sentence first, and returns the logits of what follows,
  // [rows, classes], until the next call. At most as many calls as the model has target positions.
  [[nodiscard]] virtual std::span<const float> next(std::span<const std::int32_t> symbols) = 0;
};

}  // namespace sterna::models
