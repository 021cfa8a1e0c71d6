// The test sentences of a data set of translations, as the model translates them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/generator.h"
#include "models/model.h"
#include "runtime/collectives/communicator.h"
#include "runtime/data/dataset.h"

namespace sterna {

struct TranslationOptions {
  std::size_t beam = 1;          // prefixes that are followed at a time; 1: greedy search
  double length_exponent = 0.0;  // of the beam search's length penalty (evaluation/search.h)
  std::uint32_t learners = 1;
  std::uint32_t first_learner = 0;
  std::uint32_t local_learners = 1;
};

// Sentences are translated some at a time; these groups are dealt out to the learners in turn, and a group is
// the same whoever has it, so that the bits do not depend on the ranks.
class Translator {
 public:
  // Throws ConfigError if the model cannot generate. Model and data set must outlive it.
  Translator(const models::Model& model, const data::Dataset& dataset, const TranslationOptions& options);

  // The best translation of every test sentence, in order, as text without line breaks; on every rank.
  // Collective.
  //   values  the model's parameters
  [[nodiscard]] std::vector<std::string> translate(collectives::Communicator& comm,
                                                   std::span<const float> values);

 private:
  std::size_t test_sentences() const { return dataset_.samples(data::Split::kTest); }
  // The symbols of the sentences of one group.
  std::vector<std::vector<std::int32_t>> translate_group(std::size_t group, std::span<const float> values);

  const data::Dataset& dataset_;
  data::SampleShape shape_;
  TranslationOptions options_;
  models::GeneratorShape rows_;
  std::unique_ptr<models::Generator> generator_;
};

// BLEU of translations against the references, words cut as 13a cuts them.
[[nodiscard]] double bleu_of(const std::vector<std::string>& translated,
                             const data::Translations& references);

}  // namespace sterna
