#include "runtime/gradient_files.h"

#include <algorithm>
#include <system_error>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"

namespace sterna {

GradientFiles::GradientFiles(const std::filesystem::path& directory, bool overwrite,
                             const tensor::ParameterTable& table, std::uint32_t learners,
                             collectives::Communicator& comm)
    : table_(table), comm_(comm) {
  if (comm.rank() != 0) return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw ConfigError(cat("[record] record-gradients = ", directory.string(), ": cannot make it (",
                          error.message(), "); choose a directory that can be written"));
  }
  for (const tensor::Parameter& parameter : table) {
    const std::string name = parameter.name + ".npy";
    if (!overwrite && std::filesystem::exists(directory / name, error)) {
      throw ConfigError(cat("[record] record-gradients = ", directory.string(),
                            ": holds the gradients of another run (", name,
                            "); choose another directory, or give --overwrite to replace them"));
    }
    writers_.push_back(std::make_unique<record::NpyWriter>(
        directory / name, record::NpyType::kFloat32, std::vector<std::size_t>{learners, parameter.elements}));
  }
}

void GradientFiles::append(std::span<const AlignedVector<float>> gradients) {
  std::vector<float> mine;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    mine.clear();
    for (const AlignedVector<float>& gradient : gradients) {
      const std::span<const float> slice = table_.slice(std::span<const float>(gradient), i);
      mine.insert(mine.end(), slice.begin(), slice.end());
    }
    if (comm_.rank() != 0) {
      collectives::send_block(comm_, 0, std::as_bytes(std::span(mine)));
      continue;
    }
    received_.resize(mine.size() * static_cast<std::size_t>(comm_.ranks()));
    std::ranges::copy(mine, received_.begin());
    std::vector<collectives::ReceiveBlock> blocks;
    for (int rank = 1; rank < comm_.ranks(); ++rank) {
      const auto place =
          std::span(received_).subspan(static_cast<std::size_t>(rank) * mine.size(), mine.size());
      blocks.push_back({.peer = rank, .bytes = std::as_writable_bytes(place)});
    }
    comm_.start({}, blocks)->wait();
    writers_[i]->append(received_);
  }
}

void GradientFiles::finish() {
  for (const auto& writer : writers_) writer->finish();
}

}  // namespace sterna
