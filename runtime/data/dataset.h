// A data set: samples by number, the same on every rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/data/batch.h"

namespace sterna::data {

enum class Split { kTrain, kTest };

class Translations;

class Dataset {
 public:
  virtual ~Dataset() = default;

  [[nodiscard]] virtual const SampleShape& sample_shape() const = 0;
  [[nodiscard]] virtual std::size_t samples(Split split) const = 0;

  // Writes samples `numbers` of a split to the front of `batch`, whose vectors are already of full length.
  // Thread-safe: it is called by the loader's thread.
  //   epoch  passes over the training data before this one. What is drawn at random for a training sample is
  //   a
  //          function of seed, epoch and sample number; test samples are the same in every epoch.
  virtual void read(Split split, std::uint32_t epoch, std::span<const std::uint32_t> numbers,
                    Batch& batch) const = 0;

  // The class of training sample `number`; kNoLabel where a sample has no one label, as in text.
  [[nodiscard]] virtual std::int32_t label(std::uint32_t /*number*/) const { return kNoLabel; }

  // What an evaluation of translations reads; null where samples are no pairs of sentences.
  [[nodiscard]] virtual const Translations* translations() const { return nullptr; }
};

struct DatasetOptions {
  // --data-dir; empty: where the Debian package, if there is one, puts the files.
  std::filesystem::path directory{};
  SampleShape wanted{};  // what the model takes; data that is made up takes this shape
  std::uint64_t seed = 1;
  std::string augment = "none";        // --augment: none or crop-flip (augment.h)
  std::filesystem::path vocabulary{};  // --vocabulary: read, or written if it is not there; empty: neither
  std::size_t vocabulary_size = 8000;  // --vocabulary-size, of one that is learned
};

struct DatasetEntry {
  std::string_view name;     // what --data says
  std::string_view summary;  // one line for `sterna list`
  std::unique_ptr<Dataset> (*make)(const DatasetOptions& options);
};

// Every data set of this build, sorted by name.
[[nodiscard]] std::span<const DatasetEntry> dataset_table();

// Opens a data set and reads it whole. Throws ConfigError if there is no such data set, a file is missing or
// malformed, or its samples do not fit the model.
[[nodiscard]] std::unique_ptr<Dataset> make_dataset(std::string_view name, const DatasetOptions& options);

}  // namespace sterna::data
