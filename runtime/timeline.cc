#include "runtime/timeline.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <utility>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"

namespace sterna {
namespace {

using Consume = std::function<void(const std::string& trace_events)>;

constexpr std::size_t kSpansOfAPiece = 4096;  // under 1 MB of text at a time

// What every rank must know of a rank before the first piece.
struct RankState {
  collectives::ClockOffset at_start;
  collectives::ClockOffset at_end;
  std::uint64_t spans;
  std::uint64_t dropped_spans;
};

record::TimelineRank described(const RankState& state, const std::string& host) {
  return {.host = host,
          .offset_at_start = state.at_start.offset,
          .error_bound_at_start = state.at_start.error_bound,
          .offset_at_end = state.at_end.offset,
          .error_bound_at_end = state.at_end.error_bound,
          .spans = state.spans,
          .dropped_spans = state.dropped_spans};
}

std::vector<record::TimelineRank> described(std::span<const RankState> states,
                                            std::span<const std::string> hosts) {
  std::vector<record::TimelineRank> ranks;
  for (std::size_t i = 0; i < states.size(); ++i) ranks.push_back(described(states[i], hosts[i]));
  return ranks;
}

// This rank's spans as the file has them, piece by piece. The timeline begins when rank 0's clock was first
// read.
void for_each_piece(const RunSpans& spans, int rank, std::span<const RankState> states,
                    const Consume& consume) {
  const RankState& mine = states[static_cast<std::size_t>(rank)];
  const collectives::AlignedClock align(mine.at_start, mine.at_end);
  const TimePoint origin = states.front().at_start.when;
  const auto aligned = [&](TimePoint time) { return std::chrono::nanoseconds(align(time) - origin); };
  using enum record::TimelineThread;
  for (const auto& [thread, log] :
       {std::pair(kTraining, &spans.training), std::pair(kExchange, &spans.exchange)}) {
    std::span<const SpanRecord> left = log->spans();
    while (!left.empty()) {
      const std::size_t now = std::min(left.size(), kSpansOfAPiece);
      consume(record::to_trace_events(left.first(now), {.rank = rank, .thread = thread}, aligned));
      left = left.subspan(now);
    }
  }
}

// A piece travels as its length, then its bytes; a length of 0 ends them.
void send_piece(collectives::Communicator& comm, const std::string& piece) {
  const std::uint64_t bytes = piece.size();
  const collectives::SendBlock blocks[] = {{.peer = 0, .bytes = std::as_bytes(std::span(&bytes, 1))},
                                           {.peer = 0, .bytes = std::as_bytes(std::span(piece))}};
  comm.start(blocks, {})->wait();
}

void receive_pieces(collectives::Communicator& comm, int rank, const Consume& consume) {
  std::string piece;
  while (true) {
    std::uint64_t bytes = 0;
    collectives::receive_block(comm, rank, std::as_writable_bytes(std::span(&bytes, 1)));
    if (bytes == 0) return;
    piece.resize(bytes);
    collectives::receive_block(comm, rank, std::as_writable_bytes(std::span(piece)));
    consume(piece);
  }
}

std::optional<std::string> sentence_on_dropped(std::span<const RankState> states, std::size_t most_spans) {
  const std::uint64_t dropped =
      std::accumulate(states.begin(), states.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const RankState& state) { return sum + state.dropped_spans; });
  if (dropped == 0) return std::nullopt;
  return cat("timeline: ", dropped, " spans at the end of the run were dropped: it keeps the first ",
             most_spans, " of a thread");
}

}  // namespace

Timeline::Timeline(collectives::Communicator& comm, const RunSpans& spans, std::vector<std::string> hosts,
                   std::unique_ptr<record::TimelineFile> file)
    : comm_(comm),
      spans_(spans),
      hosts_(std::move(hosts)),
      file_(std::move(file)),
      at_start_(collectives::estimate_clock_offset(comm)) {
  STERNA_CHECK((file_ != nullptr) == (comm.rank() == 0));
}

std::optional<std::string> Timeline::write() {
  const RankState mine{.at_start = at_start_,
                       .at_end = collectives::estimate_clock_offset(comm_),
                       .spans = spans_.training.spans().size() + spans_.exchange.spans().size(),
                       .dropped_spans = spans_.training.dropped_spans() + spans_.exchange.dropped_spans()};
  const std::vector<RankState> states = collectives::all_gather_value(comm_, mine);
  if (comm_.rank() != 0) {
    for_each_piece(spans_, comm_.rank(), states, [&](const std::string& piece) { send_piece(comm_, piece); });
    send_piece(comm_, "");
    return std::nullopt;
  }

  // The others' pieces are taken even where they cannot be written: else their ranks would wait in vain.
  std::optional<ConfigError> failure;
  const auto attempt = [&](const auto& write_to_file) {
    if (failure) return;
    try {
      write_to_file();
    } catch (const ConfigError& error) {
      failure = error;
    }
  };
  const Consume append = [&](const std::string& piece) { attempt([&] { file_->append(piece); }); };
  attempt([&] { file_->begin(described(states, hosts_)); });
  for_each_piece(spans_, 0, states, append);
  for (int rank = 1; rank < comm_.ranks(); ++rank) receive_pieces(comm_, rank, append);
  attempt([&] { file_->finish(); });
  if (failure) throw ConfigError(*failure);
  return sentence_on_dropped(states, spans_.training.most_spans());
}

}  // namespace sterna
