#include "runtime/diagnosis/sent_elements.h"

#include <algorithm>
#include <iterator>

#include "compressors/settings.h"
#include "compressors/top_magnitudes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/bits.h"

namespace sterna::diagnosis {
namespace {

using compressors::Compressor;
using compressors::Element;
using compressors::Exchange;
using compressors::StepKey;

StepKey key_of(const LayerStep& step, std::uint32_t learner) {
  StepKey key = step.key;
  key.learner = learner;
  return key;
}

// What one learner of a gathered method lists.
Indices listed_by(const LayerStep& step, std::uint32_t learner) {
  std::vector<float> residue(step.residues[learner].begin(), step.residues[learner].end());
  std::vector<std::byte> payload(step.compressor.max_payload_bytes());
  const compressors::Encoded sent =
      step.compressor.encode(step.gradients[learner], residue, {}, key_of(step, learner), payload);
  std::vector<Element> elements;
  step.compressor.read_elements(std::span(payload).first(sent.payload_bytes), elements);
  Indices indices;
  indices.reserve(elements.size());
  for (const Element& element : elements) indices.push_back(element.index);
  return indices;
}

// The index section that all learners share: the leader's, or what all ranks know without a word.
std::vector<std::byte> shared_section(const LayerStep& step) {
  std::vector<std::byte> section(step.compressor.max_index_bytes());
  if (step.compressor.exchange() == Exchange::kSummed) {
    section.resize(step.compressor.write_shared_indices(key_of(step, 0), section));
    return section;
  }
  const std::span<const float> before = step.residues[step.leader];
  std::vector<float> residue(before.begin(), before.end());
  std::vector<std::byte> payload(step.compressor.max_payload_bytes());
  const compressors::LeaderEncoded sent = step.compressor.encode_as_leader(
      step.gradients[step.leader], residue, key_of(step, step.leader), section, payload);
  section.resize(sent.index_bytes);
  return section;
}

// Where the values of a payload with this section belong.
Indices places_of(const Compressor& compressor, std::span<const std::byte> section, std::size_t elements) {
  const std::vector<float> ones(compressor.payload_values(section), 1.0f);
  std::vector<float> is_sent(elements);
  compressor.scatter(section, ones, is_sent);
  Indices indices;
  indices.reserve(ones.size());
  for (std::size_t i = 0; i < elements; ++i) {
    if (is_sent[i] != 0.0f) indices.push_back(static_cast<std::uint32_t>(i));
  }
  return indices;
}

}  // namespace

bool chooses_elements(const Compressor& compressor) {
  return compressor.element_values().has_value() ||
         (compressor.exchange() != Exchange::kGathered && compressor.max_index_bytes() > 0);
}

std::vector<Indices> sent_elements(const LayerStep& step) {
  const auto learners = static_cast<std::uint32_t>(step.learners());
  if (step.compressor.exchange() != Exchange::kGathered) {
    return std::vector(learners, places_of(step.compressor, shared_section(step), step.elements()));
  }
  std::vector<Indices> sent;
  for (std::uint32_t learner = 0; learner < learners; ++learner) sent.push_back(listed_by(step, learner));
  return sent;
}

Indices largest_elements(std::span<const float> gradient, std::span<const float> residue, std::size_t k) {
  STERNA_CHECK(gradient.size() == residue.size());
  if (k == 0) return {};
  const compressors::TopMagnitudes top = compressors::find_top_magnitudes(gradient, residue, k);
  const unsigned index_bits = compressors::index_bits(gradient.size());
  std::vector<float> moved_on(residue.begin(), residue.end());
  std::vector<std::byte> packed(wire::packed_bytes(top.count, index_bits));
  std::vector<std::byte> values(top.count * sizeof(float));
  compressors::send_top_magnitudes(top, gradient, moved_on, /*beta=*/1.0f, index_bits, packed, values);
  Indices indices;
  indices.reserve(top.count);
  compressors::AscendingIndices reader(packed, top.count, gradient.size());
  while (const auto index = reader.next()) indices.push_back(static_cast<std::uint32_t>(*index));
  return indices;
}

std::size_t union_of(std::span<const Indices> by_learner) {
  Indices all;
  for (const Indices& indices : by_learner) all.insert(all.end(), indices.begin(), indices.end());
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  return all.size() - repeated.size();
}

std::size_t intersection_of(const Indices& a, const Indices& b) {
  Indices both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both.size();
}

}  // namespace sterna::diagnosis
