#include "runtime/collectives/collectives.h"
#include "runtime/collectives/hosts.h"
#include "runtime/collectives/levels.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/measure.h"
#include "runtime/core/aligned_vector.h"

namespace sterna::commands {
namespace {

struct Settings {
  std::size_t bytes = 100u << 20;
  std::string sum_order = "tree";
  std::string hierarchy = "flat";
  bool json = false;
};

// Rank r adds r + 1 everywhere, so that each sum is P (P + 1) / 2: exact in float32 for any number of ranks
// we run.
void fill(const collectives::Communicator& comm, std::span<float> values) {
  std::ranges::fill(values, static_cast<float>(comm.rank() + 1));
}

void verify(const collectives::Communicator& comm, std::span<const float> values) {
  const float expected = static_cast<float>(comm.ranks() * (comm.ranks() + 1) / 2);
  for (float value : values) STERNA_CHECK(value == expected);
}

collectives::Levels make_levels(const Settings& settings, collectives::Communicator& comm) {
  if (settings.hierarchy == "flat") return collectives::Levels(comm);
  if (settings.sum_order == "any") {
    throw AgreedConfigError("[bench collective] hierarchy = host: goes with --sum-order tree alone");
  }
  const std::string why_not = collectives::why_not_two_levels(comm.hosts_by_rank());
  if (!why_not.empty()) throw AgreedConfigError(cat("[bench collective] hierarchy = host: ", why_not));
  return collectives::Levels::two(comm);
}

nlohmann::ordered_json measure(const Settings& settings, collectives::Communicator& comm) {
  (void)collectives::learn_hosts(comm);
  collectives::Levels levels = make_levels(settings, comm);
  AlignedVector<float> values(settings.bytes / sizeof(float));
  const collectives::OrderedSumOptions options{.finish = {}, .in_any_order = settings.sum_order == "any"};
  std::vector<double> seconds;
  std::uint64_t bytes_sent = 0;
  std::uint64_t network_bytes_sent = 0;
  for (std::size_t run = 0; run < kTimedRuns + 1; ++run) {
    fill(comm, values);
    collectives::barrier(comm);
    const collectives::Traffic before = comm.traffic();
    const double once = seconds_of([&] { levels.ordered_sum(values, options); });
    bytes_sent = comm.traffic().bytes_sent - before.bytes_sent;
    network_bytes_sent = comm.traffic().network_bytes_sent - before.network_bytes_sent;
    verify(comm, values);
    if (run > 0) seconds.push_back(once);
  }
  const double middle = median(seconds);
  return {{"operation", settings.sum_order == "any" ? "sum_in_any_order" : "ordered_sum"},
          {"ranks", comm.ranks()},
          {"bytes", values.size() * sizeof(float)},
          {"seconds", middle},
          {"algorithm_bytes_per_second", static_cast<double>(values.size() * sizeof(float)) / middle},
          {"wire_bytes_sent", bytes_sent},
          {"network_bytes_sent", network_bytes_sent}};
}

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "The sum of float32 values over all ranks, verified and timed on rank 0. Medians.",
      "sterna bench collective");
  add_number_for(*app, "bytes", settings.bytes, "bytes to sum on each rank, a multiple of 4", 4,
                 std::size_t{1} << 34)
      ->check([](const std::string& text) {
        return std::stoull(text) % sizeof(float) == 0 ? "" : cat(text, " is no multiple of ", sizeof(float));
      });
  app->add_option("--sum-order", settings.sum_order, "tree (ours), or any (the MPI library's)")
      ->capture_default_str()
      ->check(CLI::IsMember({"tree", "any"}));
  app->add_option("--hierarchy", settings.hierarchy,
                  "flat (every rank speaks to every other), or host (ranks of a host add up first, one of "
                  "them speaks)")
      ->capture_default_str()
      ->check(CLI::IsMember({"flat", "host"}));
  add_flag_for(*app, "json", settings.json, "one JSON object on one line");
  return app;
}

}  // namespace

void describe_bench_collective(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int bench_collective(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  const nlohmann::ordered_json result = measure(settings, job.comm());
  if (job.rank() == 0) print_result(result, settings.json);
  return 0;
}

}  // namespace sterna::commands
