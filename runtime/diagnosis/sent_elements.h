// Which elements learners send: what their payloads list, from the compressor itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/diagnosis/layer_step.h"

namespace sterna::diagnosis {

using Indices = std::vector<std::uint32_t>;  // ascending

// Whether a compressor sends some elements of a layer and holds back the others.
[[nodiscard]] bool chooses_elements(const compressors::Compressor& compressor);

// By learner, the elements that its payload of this step lists. Encodes once more, from copies of the
// residues; the compressor chooses_elements().
[[nodiscard]] std::vector<Indices> sent_elements(const LayerStep& step);

// The exact k largest of |residue + gradient|, [n] each, as topk chooses them: ties go to the lower index,
// and a zero is never one of them, so that there may be fewer than k.
[[nodiscard]] Indices largest_elements(std::span<const float> gradient, std::span<const float> residue,
                                       std::size_t k);

// How many different elements all learners have together.
[[nodiscard]] std::size_t union_of(std::span<const Indices> by_learner);

// How many elements both have.
[[nodiscard]] std::size_t intersection_of(const Indices& a, const Indices& b);

}  // namespace sterna::diagnosis
