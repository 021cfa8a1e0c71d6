// The comparison of what the ranks must have alike, bit for bit: parameters, vocabulary and data.
#include <algorithm>
#include <map>
#include <optional>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "runtime/core/hash.h"
#include "runtime/data/translations.h"
#include "runtime/run.h"

namespace sterna {
namespace {

// The first rank whose hash is not that of rank 0.
std::optional<std::size_t> first_odd_rank(std::span<const std::string> hashes) {
  const auto odd =
      std::ranges::find_if(hashes, [&](const std::string& hash) { return hash != hashes.front(); });
  if (odd == hashes.end()) return std::nullopt;
  return static_cast<std::size_t>(odd - hashes.begin());
}

}  // namespace

std::string parameter_hash(const tensor::ParameterTable& table, std::span<const float> values) {
  Hash hash;
  for (std::size_t i = 0; i < table.size(); ++i) hash.add(std::as_bytes(table.slice(values, i)));
  return hash.text();
}

void require_equal_replicas(collectives::Communicator& comm, const std::string& hash, std::uint64_t step) {
  const std::vector<std::string> hashes = collectives::all_gather_text(comm, hash);
  std::map<std::string, std::size_t> votes;
  for (const std::string& each : hashes) ++votes[each];
  if (votes.size() == 1) return;

  const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  const bool is_majority = 2 * most->second > hashes.size();
  std::vector<std::string> named;
  for (std::size_t rank = 0; rank < hashes.size(); ++rank) {
    if (!is_majority || hashes[rank] != most->first)
      named.push_back(cat("rank ", rank, " has ", hashes[rank]));
  }
  throw CommError(cat("[train] after step ", step, ": parameters differ between ranks: ",
                      is_majority ? cat("most have ", most->first, ", but ") : "", joined(named, ", "), "; ",
                      is_majority ? "memory or network of the odd rank is suspect"
                                  : "there is no majority, so any of them may be the odd one"));
}

void require_equal_start(Run& run) {
  const std::string mine = cat(parameter_hash(run.model->parameters(), run.values), " and ",
                               parameter_hash(run.model->statistics(), run.statistics.front()));
  const std::vector<std::string> hashes = collectives::all_gather_text(run.comm, mine);
  const auto odd = first_odd_rank(hashes);
  if (!odd) return;
  throw AgreedConfigError(
      cat("[train] init-weights: the file of rank ", *odd,
          " holds other weights than that of rank 0 (hashes of parameters and statistics ", hashes[*odd],
          ", not ", hashes.front(), "): must be equal on all ranks; copy one file to every machine"));
}

void require_equal_vocabulary(Run& run) {
  const data::Translations* translations = run.dataset->translations();
  if (translations == nullptr) return;
  const std::string text = data::to_text(translations->vocabulary());
  Hash hash;
  hash.add(std::as_bytes(std::span(text)));
  const std::vector<std::string> hashes = collectives::all_gather_text(run.comm, hash.text());
  const auto odd = first_odd_rank(hashes);
  if (!odd) return;
  throw AgreedConfigError(cat("[train] vocabulary: rank ", *odd, " has other byte pairs than rank 0 (hashes ",
                              hashes[*odd], ", not ", hashes.front(),
                              "): must be equal on all ranks; copy training text and vocabulary of one "
                              "machine to all"));
}

std::string describe_data(const data::Dataset& dataset) {
  constexpr std::size_t kCompared = 64;  // samples of a split
  Hash hash;
  std::vector<std::int32_t> labels(dataset.samples(data::Split::kTrain));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = dataset.label(static_cast<std::uint32_t>(i));
  hash.add(std::as_bytes(std::span(labels)));
  for (const data::Split split : {data::Split::kTrain, data::Split::kTest}) {
    const std::size_t samples = dataset.samples(split);
    const std::size_t compared = std::min(kCompared, samples);
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = 0; i < compared; ++i) {
      numbers.push_back(
          static_cast<std::uint32_t>(i * (samples - 1) / std::max<std::size_t>(compared - 1, 1)));
    }
    data::Batch batch = data::make_batch(dataset.sample_shape(), compared);
    dataset.read(split, /*epoch=*/0, numbers, batch);
    hash.add(std::as_bytes(std::span(batch.inputs)));
    hash.add(std::as_bytes(std::span(batch.symbols)));
    hash.add(std::as_bytes(std::span(batch.labels)));
  }
  return cat(labels.size(), " training and ", dataset.samples(data::Split::kTest), " test samples, hash ",
             hash.text());
}

void require_equal_data(Run& run, const std::string& description) {
  const std::vector<std::string> found = collectives::all_gather_text(run.comm, description);
  const auto odd = first_odd_rank(found);
  if (!odd) return;
  throw AgreedConfigError(cat("[train] data = ", run.config.data, ": rank ", *odd, " has ", found[*odd],
                              ", rank 0 ", found.front(),
                              ": must be equal on all ranks; copy the files of one machine to all"));
}

}  // namespace sterna
