// The data sets cifar10 and cifar100, in their binary version, kept as bytes and converted when read.
//
//   file    := record+                          ; any number of whole records
//   record  := label{1} pixel{3072}             ; CIFAR-10; the label is in [0, 10)
//            | coarse{1} fine{1} pixel{3072}    ; CIFAR-100; [0, 20) and [0, 100), the fine one is learned
//   pixel{} := 32 x 32 of red, then green, then blue, each row after row
//
// A pixel b of channel c becomes (b / 255 - mean[c]) / deviation[c], computed in double precision and rounded
// once. Mean and deviation are those of the original training images, as constants: they are what published
// recipes use, and copies of the data that differ a little are normalised alike.
// Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009, and its download page.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"
#include "runtime/data/dataset.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_cifar10(const DatasetOptions& options);
std::unique_ptr<Dataset> make_cifar100(const DatasetOptions& options);

namespace {

constexpr std::size_t kChannels = 3;
constexpr std::size_t kSide = 32;
constexpr std::size_t kChannelPixels = kSide * kSide;
constexpr std::size_t kPixels = kChannels * kChannelPixels;

struct Format {
  std::string_view name;
  std::vector<std::string_view> train_files;
  std::string_view test_file;
  std::vector<std::size_t> label_classes;  // of each label byte of a record; the last is the label to learn
  std::array<double, kChannels> mean;      // of the training images' pixels, scaled to [0, 1]
  std::array<double, kChannels> deviation;

  [[nodiscard]] std::size_t record_bytes() const { return label_classes.size() + kPixels; }
};

void check_labels(const std::filesystem::path& path, const std::string& bytes, const Format& format) {
  const std::size_t labels = format.label_classes.size();
  for (std::size_t record = 0; record * format.record_bytes() < bytes.size(); ++record) {
    for (std::size_t i = 0; i < labels; ++i) {
      const int label = static_cast<unsigned char>(bytes[record * format.record_bytes() + i]);
      if (static_cast<std::size_t>(label) < format.label_classes[i]) continue;
      refuse_file(path, cat("label ", label, " in record ", record),
                  cat("byte ", i, " of a record must be in [0, ", format.label_classes[i], ")"));
    }
  }
}

// Appends a file's records to `records`.
void read_records(const std::filesystem::path& path, const Format& format, std::string& records) {
  const std::string bytes = read_file(path);
  if (bytes.empty() || bytes.size() % format.record_bytes() != 0) {
    refuse_file(path, cat(bytes.size(), " bytes"),
                cat("must be one or more whole records of ", format.record_bytes(), " bytes"));
  }
  check_labels(path, bytes, format);
  records += bytes;
}

class Cifar final : public Dataset {
 public:
  Cifar(const std::filesystem::path& directory, const Format& format)
      : shape_{.input = {kChannels, kSide, kSide}, .classes = format.label_classes.back()},
        record_bytes_(format.record_bytes()),
        label_bytes_(format.label_classes.size()) {
    for (std::string_view name : format.train_files) read_records(find_file(directory, name), format, train_);
    read_records(find_file(directory, format.test_file), format, test_);
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
      for (std::size_t byte = 0; byte < value_of_[channel].size(); ++byte) {
        const double scaled = static_cast<double>(byte) / 255.0;
        value_of_[channel][byte] =
            static_cast<float>((scaled - format.mean[channel]) / format.deviation[channel]);
      }
    }
  }

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split split) const override { return records(split).size() / record_bytes_; }
  std::int32_t label(std::uint32_t number) const override {
    return record(Split::kTrain, number)[label_bytes_ - 1];
  }

  void read(Split split, std::uint32_t /*epoch*/, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    STERNA_CHECK(batch.inputs.size() >= (numbers.size() * kPixels));
    STERNA_CHECK(batch.labels.size() >= numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const unsigned char* const of_sample = record(split, numbers[i]);
      batch.labels[i] = of_sample[label_bytes_ - 1];
      const unsigned char* pixels = of_sample + label_bytes_;
      float* inputs = batch.inputs.data() + i * kPixels;
      for (std::size_t channel = 0; channel < kChannels; ++channel) {
        const std::array<float, 256>& value_of = value_of_[channel];
        for (std::size_t p = 0; p < kChannelPixels; ++p) *inputs++ = value_of[*pixels++];
      }
    }
  }

 private:
  const std::string& records(Split split) const { return split == Split::kTrain ? train_ : test_; }
  const unsigned char* record(Split split, std::size_t number) const {
    STERNA_CHECK(number < samples(split));
    return reinterpret_cast<const unsigned char*>(records(split).data()) + number * record_bytes_;
  }

  SampleShape shape_;
  std::size_t record_bytes_;
  std::size_t label_bytes_;
  std::string train_;  // records
  std::string test_;
  std::array<std::array<float, 256>, kChannels> value_of_{};  // of a channel's byte
};

std::unique_ptr<Dataset> make_cifar(const DatasetOptions& options, const Format& format) {
  require_directory(options.directory, format.name,
                    cat(joined(format.train_files, ", "), " and ", format.test_file));
  return std::make_unique<Cifar>(options.directory, format);
}

}  // namespace

std::unique_ptr<Dataset> make_cifar10(const DatasetOptions& options) {
  return make_cifar(options, {.name = "cifar10",
                              .train_files = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                              "data_batch_4.bin", "data_batch_5.bin"},
                              .test_file = "test_batch.bin",
                              .label_classes = {10},
                              .mean = {0.4914, 0.4822, 0.4465},
                              .deviation = {0.2470, 0.2435, 0.2616}});
}

std::unique_ptr<Dataset> make_cifar100(const DatasetOptions& options) {
  return make_cifar(options, {.name = "cifar100",
                              .train_files = {"train.bin"},
                              .test_file = "test.bin",
                              .label_classes = {20, 100},
                              .mean = {0.5071, 0.4865, 0.4409},
                              .deviation = {0.2673, 0.2564, 0.2762}});
}

}  // namespace sterna::data
