#include "runtime/collectives/nccl/transfer.h"

#include <cstring>
#include <utility>

#include "runtime/collectives/nccl/api.h"
#include "runtime/collectives/nccl/check.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

template <typename Block>
std::size_t staged_bytes(std::span<const Block> blocks) {
  std::size_t bytes = 0;
  for (const Block& block : blocks) {
    if (!is_on_device(block.bytes.data())) bytes += StagingPlaces::bytes_for(block.bytes.size());
  }
  return bytes;
}

}  // namespace

bool is_on_device(const void* address) {
  return device_of(address, /*preferred=*/0).has_value();
}

NcclTransfer::~NcclTransfer() {
  if (is_under_way_) channel_.break_off();
  pool_.give_back(std::move(staging_));
}

StagingPlaces NcclTransfer::stage(std::size_t bytes) {
  if (bytes > 0) staging_ = pool_.take(bytes);
  return StagingPlaces(staging_);
}

void NcclTransfer::copy_on_stream(std::span<const std::byte> from, std::span<std::byte> to,
                                  cudaMemcpyKind kind) {
  check_cuda(cudaMemcpyAsync(to.data(), from.data(), from.size(), kind, channel_.stream()),
             {.name = "cudaMemcpyAsync", .rank = channel_.rank()});
}

std::span<const std::byte> NcclTransfer::to_device(std::span<const std::byte> bytes, StagingPlaces& places) {
  if (is_on_device(bytes.data())) return bytes;
  const StagingPlaces::Place place = places.next(bytes.size());
  std::memcpy(place.pinned.data(), bytes.data(), bytes.size());
  copy_on_stream(place.pinned, place.device, cudaMemcpyHostToDevice);
  return place.device;
}

std::span<std::byte> NcclTransfer::room_on_device(std::span<std::byte> bytes, StagingPlaces& places) {
  if (is_on_device(bytes.data())) return bytes;
  arrivals_.push_back({.to = bytes, .place = places.next(bytes.size())});
  return arrivals_.back().place.device;
}

// An event also where there are no blocks: wait() then returns when what was enqueued before is done.
void NcclTransfer::end_of_start() {
  for (const Arrival& arrival : arrivals_) {
    copy_on_stream(arrival.place.device, arrival.place.pinned, cudaMemcpyDeviceToHost);
  }
  done_ = channel_.record();
}

void NcclTransfer::start(std::span<const SendBlock> sends, std::span<const ReceiveBlock> receives) {
  channel_.enter();
  is_under_way_ = true;
  StagingPlaces places = stage(staged_bytes(sends) + staged_bytes(receives));
  std::vector<SendBlock> leaving;
  std::vector<ReceiveBlock> arriving;
  for (const ReceiveBlock& block : receives) {
    arriving.push_back({block.peer, room_on_device(block.bytes, places)});
    awaited_.push_back({.peer = block.peer, .bytes = block.bytes.size(), .is_receive = true});
  }
  for (const SendBlock& block : sends) {
    leaving.push_back({block.peer, to_device(block.bytes, places)});
    awaited_.push_back({.peer = block.peer, .bytes = block.bytes.size(), .is_receive = false});
  }
  const auto calls = [&] {
    for (const ReceiveBlock& block : arriving) {
      check_nccl(nccl_api().recv(block.bytes.data(), block.bytes.size(), ncclUint8, block.peer,
                                 channel_.comm(), channel_.stream()),
                 {.name = "ncclRecv", .rank = channel_.rank()}, channel_.comm());
    }
    for (const SendBlock& block : leaving) {
      check_nccl(nccl_api().send(block.bytes.data(), block.bytes.size(), ncclUint8, block.peer,
                                 channel_.comm(), channel_.stream()),
                 {.name = "ncclSend", .rank = channel_.rank()}, channel_.comm());
    }
  };
  if (!awaited_.empty()) channel_.run_group(calls, awaited_);
  end_of_start();
}

void NcclTransfer::start_sum(std::span<float> values) {
  channel_.enter();
  is_under_way_ = true;
  const std::span<std::byte> bytes = std::as_writable_bytes(values);
  const bool is_staged = !is_on_device(values.data());
  StagingPlaces places = stage(is_staged ? StagingPlaces::bytes_for(bytes.size()) : 0);
  std::span<std::byte> summed = bytes;
  if (is_staged) {
    summed = room_on_device(bytes, places);
    const std::span<std::byte> pinned = arrivals_.back().place.pinned;
    std::memcpy(pinned.data(), bytes.data(), bytes.size());
    copy_on_stream(pinned, summed, cudaMemcpyHostToDevice);
  }
  awaited_.push_back({.peer = kAllRanks, .bytes = bytes.size(), .is_receive = false});
  const auto call = [&] {
    check_nccl(nccl_api().all_reduce(summed.data(), summed.data(), values.size(), ncclFloat32, ncclSum,
                                     channel_.comm(), channel_.stream()),
               {.name = "ncclAllReduce", .rank = channel_.rank()}, channel_.comm());
  };
  channel_.run_group(call, awaited_);
  end_of_start();
}

void NcclTransfer::wait() {
  if (!is_under_way_) return;
  channel_.wait(done_.get(), awaited_);
  is_under_way_ = false;
  for (const Arrival& arrival : arrivals_) {
    std::memcpy(arrival.to.data(), arrival.place.pinned.data(), arrival.to.size());
  }
}

void NcclTransfer::wait_in_order() {
  if (staging_.bytes > 0) {
    wait();
  } else if (is_under_way_) {
    channel_.leave_under_way(awaited_);
    is_under_way_ = false;
  }
}

}  // namespace sterna::collectives
