#include "runtime/evaluation/bleu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/evaluation/tokenise.h"

namespace sterna::evaluation {
namespace {

// What tests/golden/bleu.py had sacreBLEU compute.
nlohmann::json golden() {
  std::ifstream file(STERNA_GOLDEN_DIR "/bleu.json");
  return nlohmann::json::parse(file);
}

TEST(Tokenise, CutsAsSacrebleuDoes) {
  const nlohmann::json lines = golden()["tokens"];
  ASSERT_GE(lines.size(), 18u);
  for (const nlohmann::json& line : lines) {
    const std::string text = line["text"];
    EXPECT_EQ(split_words(text), line["none"].get<Words>()) << text;
    EXPECT_EQ(tokenise_13a(text), line["13a"].get<Words>()) << text;
  }
}

std::vector<Words> words_of(const nlohmann::json& texts, bool is_13a) {
  std::vector<Words> words;
  for (const std::string text : texts) words.push_back(is_13a ? tokenise_13a(text) : split_words(text));
  return words;
}

TEST(CorpusBleu, IsThatOfSacrebleu) {
  const nlohmann::json cases = golden()["scores"];
  ASSERT_EQ(cases.size(), 20u);
  for (const nlohmann::json& expected : cases) {
    SCOPED_TRACE(expected["name"].get<std::string>() + ", " + expected["tokenize"].get<std::string>());
    const bool is_13a = expected["tokenize"] == "13a";
    const Bleu bleu =
        corpus_bleu(words_of(expected["hypotheses"], is_13a), words_of(expected["references"], is_13a));
    for (std::size_t i = 0; i < kBleuOrder; ++i) {
      EXPECT_EQ(bleu.matches[i], expected["matches"][i].get<std::uint64_t>());
      EXPECT_EQ(bleu.runs[i], expected["runs"][i].get<std::uint64_t>());
      EXPECT_DOUBLE_EQ(bleu.precisions[i], expected["precisions"][i].get<double>());
    }
    EXPECT_EQ(bleu.hypothesis_words, expected["hypothesis_words"].get<std::uint64_t>());
    EXPECT_EQ(bleu.reference_words, expected["reference_words"].get<std::uint64_t>());
    EXPECT_DOUBLE_EQ(bleu.brevity_penalty, expected["brevity_penalty"].get<double>());
    // A few roundings of log and exp, each 2^-53 of numbers up to 20.
    EXPECT_NEAR(bleu.score, expected["score"].get<double>(), 1e-11);
  }
}

// By hand: 7 of 7 words, 4 of 6 pairs, 2 of 5 triples, 1 of 4 runs of four; 7 words against 8.
TEST(CorpusBleu, IsTheMeanOfPrecisionsTimesThePenalty) {
  const std::vector<Words> hypothesis = {{"a", "b", "c", "d", "f", "e", "g"}};
  const std::vector<Words> reference = {{"a", "b", "c", "d", "e", "g", "x", "f"}};
  // Pairs ab, bc, cd and eg match; df and fe do not. Triples abc, bcd; runs of four abcd.
  const Bleu bleu = corpus_bleu(hypothesis, reference);
  EXPECT_EQ(bleu.matches, (std::array<std::uint64_t, 4>{7, 4, 2, 1}));
  EXPECT_EQ(bleu.runs, (std::array<std::uint64_t, 4>{7, 6, 5, 4}));
  EXPECT_NEAR(bleu.score, 100.0 * std::exp(1.0 - 8.0 / 7.0) * std::pow(4.0 / 6.0 * 2.0 / 5.0 / 4.0, 0.25),
              1e-11);
}

TEST(CorpusBleu, OfNoSegmentIsZero) {
  EXPECT_EQ(corpus_bleu({}, {}).score, 0.0);
}

TEST(CorpusBleu, RefusesAReferenceTooFew) {
  const std::vector<Words> hypotheses(2);
  const std::vector<Words> references(1);
  EXPECT_ANY_THROW((void)corpus_bleu(hypotheses, references));
}

}  // namespace
}  // namespace sterna::evaluation
