// The data set fsdd, the Free Spoken Digit Dataset: recordings of spoken digits, for models of frames.
//
//   DIGIT_SPEAKER_INDEX.wav  ; digit 0 to 9; index a number without leading zeros; speaker without "_"
//
// They lie in --data-dir, or in its folder `recordings`. Those with index 0 to 4 are there to test, the
// others to train on, as the data set's authors have it; each split is in the order of the files' names.
//
// A recording becomes its first frames of log mel energies (log_mel.h), as many as the model has. Each band
// is shifted and scaled to mean 0 and deviation 1 over all frames that are there to train on, and frames
// behind the end of a recording are 0. The features are computed once, when the data set is opened.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"
#include "runtime/data/dataset.h"
#include "runtime/data/log_mel.h"
#include "runtime/data/wav.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_fsdd(const DatasetOptions& options);

namespace {

constexpr std::size_t kDigits = 10;
constexpr double kLeastDeviation = 1e-3;  // of a band that hardly changes

struct Name {
  std::int32_t digit;
  bool is_test;
};

Name parse_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  const std::size_t last = stem.rfind('_');
  const bool has_digit = stem.size() >= 2 && stem[0] >= '0' && stem[0] <= '9' && stem[1] == '_';
  const std::string speaker = has_digit && last > 2 ? stem.substr(2, last - 2) : "";
  const std::string index = last == std::string::npos ? "" : stem.substr(last + 1);
  const bool is_number = !index.empty() && index.find_first_not_of("0123456789") == std::string::npos &&
                         (index == "0" || index[0] != '0');
  if (speaker.empty() || speaker.find('_') != std::string::npos || !is_number) {
    refuse_file(path, "another name",
                "recordings are named DIGIT_SPEAKER_INDEX.wav, such as 7_jackson_32.wav");
  }
  return {.digit = stem[0] - '0', .is_test = index.size() == 1 && index[0] <= '4'};
}

std::vector<std::filesystem::path> find_recordings(const std::filesystem::path& given) {
  std::error_code error;  // a path that cannot be looked at is as good as none
  const std::filesystem::path inner = given / "recordings";
  const std::filesystem::path directory = std::filesystem::is_directory(inner, error) ? inner : given;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".wav") paths.push_back(at->path());
  }
  if (error) {
    throw ConfigError(cat("[data] data-dir = ", given.string(), ": must be a directory that can be read (",
                          error.message(), "); point --data-dir to where the recordings lie"));
  }
  std::ranges::sort(paths);
  return paths;
}

struct Recordings {
  std::vector<float> features;           // [recordings, frames, bands]
  std::vector<std::size_t> real_frames;  // of each; those behind are 0
  std::vector<std::int32_t> digits;
};

// Appends a recording's first frames.
void add_recording(const std::filesystem::path& path, std::int32_t digit, std::size_t frames,
                   std::size_t bands, LogMel& log_mel, Recordings& to) {
  const std::vector<std::int16_t> samples = read_wav(path);
  const std::size_t real = std::min(frames_of(samples.size()), frames);
  if (real == 0) {
    refuse_file(path, cat(samples.size(), " samples"),
                cat("must have at least ", kFrameSamples, ", one frame"));
  }
  const std::size_t first = to.features.size();
  to.features.resize(first + frames * bands, 0.0f);
  for (std::size_t t = 0; t < real; ++t) {
    log_mel.frame(std::span(samples).subspan(t * kHopSamples, kFrameSamples),
                  std::span(to.features).subspan(first + t * bands, bands));
  }
  to.real_frames.push_back(real);
  to.digits.push_back(digit);
}

// Calls visit(band, feature) for every feature of a real frame.
template <typename Visit>
void for_each_feature(Recordings& of, std::size_t frames, std::size_t bands, const Visit& visit) {
  for (std::size_t r = 0; r < of.digits.size(); ++r) {
    for (std::size_t i = 0; i < of.real_frames[r] * bands; ++i) {
      visit(i % bands, of.features[r * frames * bands + i]);
    }
  }
}

class Fsdd final : public Dataset {
 public:
  Fsdd(const SampleShape& shape, const std::vector<std::filesystem::path>& paths)
      : shape_(shape), frames_(shape.input[0]), bands_(shape.input[1]) {
    LogMel log_mel(bands_);
    for (const std::filesystem::path& path : paths) {
      const Name name = parse_name(path);
      add_recording(path, name.digit, frames_, bands_, log_mel, name.is_test ? test_ : train_);
    }
    if (!train_.digits.empty()) normalise();
  }

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split split) const override { return recordings(split).digits.size(); }
  std::int32_t label(std::uint32_t number) const override { return train_.digits.at(number); }

  void read(Split split, std::uint32_t /*epoch*/, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    const Recordings& from = recordings(split);
    const std::size_t elements = frames_ * bands_;
    STERNA_CHECK(batch.inputs.size() >= (numbers.size() * elements));
    STERNA_CHECK(batch.labels.size() >= numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      STERNA_CHECK(numbers[i] < from.digits.size());
      batch.labels[i] = from.digits[numbers[i]];
      std::copy_n(from.features.data() + numbers[i] * elements, elements, batch.inputs.data() + i * elements);
    }
  }

 private:
  void normalise() {
    std::vector<double> sums(bands_), squares(bands_);
    double count = 0.0;
    for_each_feature(train_, frames_, bands_, [&](std::size_t band, float feature) {
      sums[band] += static_cast<double>(feature);
      count += band == 0 ? 1.0 : 0.0;
    });
    for (double& sum : sums) sum /= count;  // the means from here on
    for_each_feature(train_, frames_, bands_, [&](std::size_t band, float feature) {
      const double difference = static_cast<double>(feature) - sums[band];
      squares[band] += difference * difference;
    });
    for (Recordings* of : {&train_, &test_}) {
      for_each_feature(*of, frames_, bands_, [&](std::size_t band, float& feature) {
        const double deviation = std::max(std::sqrt(squares[band] / count), kLeastDeviation);
        feature = static_cast<float>((static_cast<double>(feature) - sums[band]) / deviation);
      });
    }
  }

  const Recordings& recordings(Split split) const { return split == Split::kTrain ? train_ : test_; }

  SampleShape shape_;
  std::size_t frames_;
  std::size_t bands_;
  Recordings train_;
  Recordings test_;
};

void require_frame_model(const SampleShape& wanted) {
  const bool takes_frames =
      wanted.symbols == 0 && wanted.input.size() == 2 && wanted.classes == kDigits && wanted.labels == 1;
  if (takes_frames && wanted.input[0] > 0 && wanted.input[1] >= 1 && wanted.input[1] <= kMostBands) return;
  throw ConfigError(cat("[data] data = fsdd: has frames of 1 to ", kMostBands,
                        " mel bands with one of 10 digits, and the model must take those; take --model "
                        "fsdd-bilstm, or --data synthetic, which fits every model"));
}

}  // namespace

std::unique_ptr<Dataset> make_fsdd(const DatasetOptions& options) {
  require_frame_model(options.wanted);
  require_directory(options.directory, "fsdd", "recordings, DIGIT_SPEAKER_INDEX.wav");
  auto dataset = std::make_unique<Fsdd>(options.wanted, find_recordings(options.directory));
  if (dataset->samples(Split::kTrain) > 0 && dataset->samples(Split::kTest) > 0) return dataset;
  throw ConfigError(cat("[data] data-dir = ", options.directory.string(),
                        ": must hold recordings to train on and to test (", dataset->samples(Split::kTrain),
                        " and ", dataset->samples(Split::kTest),
                        " are there); fetch them, or point --data-dir to where they lie"));
}

}  // namespace sterna::data
