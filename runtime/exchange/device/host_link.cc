#include "runtime/exchange/device/host_link.h"

#include <algorithm>
#include <cstring>

#include "runtime/core/errors.h"
#include "runtime/device/stream_launcher.h"

namespace sterna::exchange {
namespace {

constexpr std::size_t kUploadAlignment = 64;

}  // namespace

HostLink::HostLink(collectives::DeviceStream& stream, std::size_t parameters, std::size_t local_learners,
                   std::size_t upload_bytes)
    : stream_(stream),
      parameters_(parameters),
      local_learners_(local_learners),
      verdicts_on_device_(stream),
      verdicts_(stream),
      uploads_(stream),
      report_(stream) {
  const std::size_t words = parameters * (local_learners + 1);
  verdict_words_on_device_ = verdicts_on_device_.take_of<std::uint32_t>(words);
  verdict_words_ = verdicts_.take_of<std::uint32_t>(words);
  std::ranges::fill(verdict_words_, 0u);
  upload_bytes_ = uploads_.take(upload_bytes);
}

void HostLink::copy(const void* from, void* to, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return;
  device::check_cuda(cudaMemcpyAsync(to, from, bytes, kind, stream_.stream()), "cudaMemcpyAsync");
}

void HostLink::begin_step() {
  uploaded_ = 0;
  device::StreamLauncher(stream_.stream())
      .zero(verdict_words_on_device_.data(), verdict_words_on_device_.size_bytes());
}

void HostLink::upload(std::span<const std::byte> bytes, std::span<std::byte> to) {
  STERNA_CHECK(bytes.size() == to.size());
  STERNA_CHECK((uploaded_ + bytes.size()) <= upload_bytes_.size());
  const std::span<std::byte> pinned = upload_bytes_.subspan(uploaded_, bytes.size());
  std::ranges::copy(bytes, pinned.begin());
  uploaded_ = (uploaded_ + bytes.size() + kUploadAlignment - 1) / kUploadAlignment * kUploadAlignment;
  copy(pinned.data(), to.data(), bytes.size(), cudaMemcpyHostToDevice);
}

// The parameters' refusals stand behind the learners' verdicts.
std::size_t HostLink::word_of(std::size_t parameter, std::size_t local_learner) const {
  return local_learner * parameters_ + parameter;
}

std::uint32_t* HostLink::is_not_finite(std::size_t parameter, std::size_t local_learner) {
  return &verdict_words_on_device_[word_of(parameter, local_learner)];
}

std::uint32_t* HostLink::refusal(std::size_t parameter) {
  return &verdict_words_on_device_[word_of(parameter, local_learners_)];
}

bool HostLink::was_not_finite(std::size_t parameter, std::size_t local_learner) const {
  return verdict_words_[word_of(parameter, local_learner)] != 0;
}

std::uint32_t HostLink::was_refused(std::size_t parameter) const {
  return verdict_words_[word_of(parameter, local_learners_)];
}

void HostLink::fetch_verdicts() {
  copy(verdict_words_on_device_.data(), verdict_words_.data(), verdict_words_.size_bytes(),
       cudaMemcpyDeviceToHost);
}

std::span<const std::byte> HostLink::learn(std::span<const std::byte> report) {
  const std::span<std::byte> learned = report_.take(report.size());
  fetch_verdicts();
  copy(report.data(), learned.data(), report.size(), cudaMemcpyDeviceToHost);
  stream_.settle();
  return learned;
}

}  // namespace sterna::exchange
