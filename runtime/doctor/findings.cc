#include "runtime/doctor/findings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "runtime/collectives/levels.h"
#include "runtime/core/errors.h"
#include "runtime/core/median.h"

namespace sterna::doctor {
namespace {

constexpr std::uint64_t kLittleMemory = std::uint64_t{1}
                                        << 29;  // a rank; LeNet takes less, most models take more
constexpr double kMostClockSeconds = 1.0;       // logs of several hosts are compared by eye
constexpr std::size_t kMostLinksShown = 10;
constexpr double kSlowLink = 0.5;             // of the median
constexpr double kSlowLatencySeconds = 1e-3;  // a switched Ethernet takes 0.02 to 0.2 ms

std::string rounded(double value, const char* format) {
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string count_of(std::size_t n, const std::string& what) {
  return cat(n, " ", what, n == 1 ? "" : "s");
}

// Hosts in the order of their first ranks, with those ranks.
std::vector<std::vector<std::size_t>> ranks_by_host(std::span<const MachineFacts> ranks) {
  std::vector<std::vector<std::size_t>> hosts;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto known = std::ranges::find_if(
        hosts, [&](const auto& host) { return ranks[host.front()].host == ranks[rank].host; });
    if (known == hosts.end()) {
      hosts.push_back({rank});
    } else {
      known->push_back(rank);
    }
  }
  return hosts;
}

// One line for something that must be the same on all ranks; it names the first rank where it is not.
template <typename Of>
Finding equal_everywhere(std::span<const MachineFacts> ranks, const std::string& subject, const Of& of,
                         Verdict otherwise, const std::string& advice) {
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    if (of(ranks[rank]) == of(ranks[0])) continue;
    return {otherwise, subject,
            cat(of(ranks[0]), " on ", ranks[0].host, ", ", of(ranks[rank]), " on ", ranks[rank].host,
                " (rank ", rank, ")"),
            advice};
  }
  return {Verdict::kOk, subject, cat(of(ranks[0]), ranks.size() > 1 ? ", the same on all ranks" : ""), ""};
}

Finding judge_placement(std::span<const MachineFacts> ranks) {
  const auto hosts = ranks_by_host(ranks);
  std::vector<int> host_of_rank(ranks.size());
  std::vector<std::string> names;
  for (std::size_t host = 0; host < hosts.size(); ++host) {
    for (const std::size_t rank : hosts[host]) host_of_rank[rank] = static_cast<int>(host);
    if (names.size() < 4) names.push_back(ranks[hosts[host].front()].host);
  }
  if (hosts.size() > names.size()) names.emplace_back("...");
  const std::string text =
      cat(count_of(ranks.size(), "rank"), " on ", count_of(hosts.size(), "host"), ": ", joined(names, ", "));
  const std::string why_not = collectives::why_not_two_levels(host_of_rank);
  if (why_not.empty()) return {Verdict::kOk, "ranks", text, ""};
  return {Verdict::kWarning, "ranks", text,
          cat("ranks of a host cannot add up before they speak to others: ", why_not)};
}

// Of one host: enough cores for its ranks' threads, and none shared while others are idle.
Finding judge_cores(std::span<const MachineFacts> ranks, const std::vector<std::size_t>& on_host,
                    int threads) {
  const MachineFacts& first = ranks[on_host.front()];
  std::set<int> cores;
  for (const std::size_t rank : on_host) cores.insert(ranks[rank].cores.begin(), ranks[rank].cores.end());
  const std::size_t wanted = on_host.size() * static_cast<std::size_t>(threads);
  const std::string text =
      cat(first.host, ": ", count_of(on_host.size(), "rank"), " x ",
          count_of(static_cast<std::size_t>(threads), "thread"), " on ", count_of(cores.size(), "core"));
  if (wanted > cores.size()) {
    const std::size_t fit = cores.size() / static_cast<std::size_t>(threads);
    return {Verdict::kWarning, "cores", text,
            cat("threads take turns; try ", std::max<std::size_t>(fit, 1), fit > 1 ? " ranks" : " rank",
                " here, ", "or a smaller --threads; ranks that are tied to a core need --bind-to none")};
  }
  for (const std::size_t rank : on_host) {
    if (ranks[rank].cores.size() >= static_cast<std::size_t>(threads)) continue;
    return {Verdict::kWarning, "cores",
            cat(text, "; rank ", rank, " is tied to ", count_of(ranks[rank].cores.size(), "core")),
            cat("its threads take turns; try mpirun --map-by slot:PE=", threads, ", or --bind-to none")};
  }
  return {Verdict::kOk, "cores", text, ""};
}

Finding judge_memory(std::span<const MachineFacts> ranks, const std::vector<std::size_t>& on_host) {
  const MachineFacts& first = ranks[on_host.front()];
  const std::uint64_t each = first.available_bytes / on_host.size();
  const std::string text =
      cat(first.host, ": ", rounded(static_cast<double>(first.available_bytes) / 1e9, "%.1f"), " GB free, ",
          rounded(static_cast<double>(each) / 1e9, "%.1f"), " a rank");
  if (each >= kLittleMemory) return {Verdict::kOk, "memory", text, ""};
  return {Verdict::kWarning, "memory", text,
          "little for most models; try fewer ranks here, or a smaller --batch"};
}

// Two connections to each peer, and what a process has open in any case.
Finding judge_open_files(std::span<const MachineFacts> ranks) {
  const std::uint64_t needed = 2 * ranks.size() + 128;
  for (const MachineFacts& facts : ranks) {
    if (facts.open_files >= needed) continue;
    return {Verdict::kProblem, "open files",
            cat(facts.host, ": a process may have ", facts.open_files, ", ", ranks.size(), " ranks need ",
                needed),
            cat("ulimit -n ", needed, " before mpirun, and on every host")};
  }
  const auto least = std::ranges::min_element(ranks, {}, &MachineFacts::open_files);
  return {Verdict::kOk, "open files", cat(least->open_files, " a process, ", needed, " needed"), ""};
}

Finding judge_clocks(std::span<const MachineFacts> ranks) {
  const auto worst = std::ranges::max_element(
      ranks, {}, [](const MachineFacts& facts) { return std::abs(facts.clock_offset_seconds); });
  const std::string text =
      cat("the clock of ", worst->host, " is ", rounded(std::abs(worst->clock_offset_seconds) * 1e3, "%.1f"),
          " ms off rank 0's");
  if (std::abs(worst->clock_offset_seconds) <= kMostClockSeconds) {
    return {Verdict::kOk, "clocks", ranks.size() == 1 ? "one host" : cat("at most, ", text), ""};
  }
  return {Verdict::kWarning, "clocks", text,
          "times in logs and files of several hosts do not compare; try chrony or systemd-timesyncd "
          "(timelines align clocks "
          "themselves)"};
}

Finding judge_data(std::span<const MachineFacts> ranks) {
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    if (ranks[rank].data_error.empty()) continue;
    return {Verdict::kProblem, "data",
            cat(ranks[rank].data_error, " (rank ", rank, ", ", ranks[rank].host, ")"),
            "copy the data to the same place on every host, or use a shared file system"};
  }
  return equal_everywhere(
      ranks, "data", [](const MachineFacts& facts) { return facts.data; }, Verdict::kProblem,
      "learners would see other samples than on one host; copy the data anew");
}

// What launch/ sets where ranks speak TCP, and why: launch/README.md.
std::vector<Finding> judge_settings(std::span<const MachineFacts> ranks) {
  struct Setting {
    const char* name;
    const char* value;
    const char* why;
  };
  constexpr Setting kWanted[] = {
      {"mpi_yield_when_idle", "1",
       "an idle rank's polling starves the network's thread of a core that it needs"},
      {"btl_tcp_links", "2", "one connection to a peer fills half of a link"}};
  std::vector<Finding> findings;
  for (const Setting& setting : kWanted) {
    const auto found = ranks[0].settings.find(cat("OMPI_MCA_", setting.name));
    const std::string value = found == ranks[0].settings.end() ? "not set" : found->second;
    if (value == setting.value) continue;
    findings.push_back({Verdict::kWarning, "Open MPI",
                        cat(setting.name, " is ", value, " on mpirun's command line"),
                        cat(setting.why, "; try --mca ", setting.name, " ", setting.value)});
  }
  if (findings.empty()) findings.push_back({Verdict::kOk, "Open MPI", "set as it should be over TCP", ""});
  return findings;
}

std::string speed(double bytes_per_second) {
  const bool is_fast = bytes_per_second >= 1e9 / 8.0;
  return is_fast ? cat(rounded(bytes_per_second * 8e-9, "%.2f"), " Gbit/s")
                 : cat(rounded(bytes_per_second * 8e-6, "%.1f"), " Mbit/s");
}

double slower_way(const Link& link) {
  return std::min(link.bytes_per_second_out, link.bytes_per_second_back);
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  constexpr std::string_view kNames[] = {"ok", "warning", "problem"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::vector<Finding> judge(std::span<const MachineFacts> ranks, int threads) {
  std::vector<Finding> findings;
  findings.push_back(equal_everywhere(
      ranks, "program", [](const MachineFacts& facts) { return facts.program; }, Verdict::kProblem,
      "ranks of different builds refuse to train together; copy one program to every host"));
  findings.push_back(equal_everywhere(
      ranks, "libraries", [](const MachineFacts& facts) { return facts.libraries; }, Verdict::kWarning,
      "results may differ in their last bits between hosts; install the same versions"));
  findings.push_back(equal_everywhere(
      ranks, "processors",
      [](const MachineFacts& facts) { return cat("vector units: ", facts.vector_units); }, Verdict::kWarning,
      "libraries choose other kernels, and results may differ in their last bits"));
  findings.push_back(judge_placement(ranks));
  const auto hosts = ranks_by_host(ranks);
  for (const auto& on_host : hosts) findings.push_back(judge_cores(ranks, on_host, threads));
  for (const auto& on_host : hosts) findings.push_back(judge_memory(ranks, on_host));
  findings.push_back(judge_open_files(ranks));
  findings.push_back(judge_clocks(ranks));
  const bool is_data_wanted = std::ranges::any_of(
      ranks, [](const MachineFacts& facts) { return !facts.data.empty() || !facts.data_error.empty(); });
  if (is_data_wanted) findings.push_back(judge_data(ranks));
  if (hosts.size() > 1) std::ranges::move(judge_settings(ranks), std::back_inserter(findings));
  return findings;
}

std::vector<Finding> judge_links(std::span<const MachineFacts> ranks, std::span<const Link> links) {
  std::vector<Finding> findings;
  if (links.empty()) return findings;
  std::vector<double> speeds;
  for (const Link& link : links) speeds.push_back(slower_way(link));
  const double middle = median(std::move(speeds));
  std::vector<Link> slowest(links.begin(), links.end());
  std::ranges::stable_sort(slowest, {}, slower_way);
  if (links.size() > kMostLinksShown) {
    findings.push_back(
        {Verdict::kOk, "links",
         cat(links.size(), " pairs of hosts, the median ", speed(middle), "; the slowest follow"), ""});
    slowest.resize(kMostLinksShown);
  }
  for (const Link& link : slowest) {
    Finding finding{Verdict::kOk, "link",
                    cat(ranks[static_cast<std::size_t>(link.first)].host, " to ",
                        ranks[static_cast<std::size_t>(link.second)].host, ": ",
                        speed(link.bytes_per_second_out), ", back ", speed(link.bytes_per_second_back), ", ",
                        rounded(link.latency_seconds * 1e3, "%.3f"), " ms"),
                    ""};
    if (slower_way(link) < kSlowLink * middle) {
      finding.verdict = Verdict::kWarning;
      finding.advice =
          cat("less than half of the median; look at its cable, switch port and card (ethtool), or leave the "
              "host out");
    } else if (link.latency_seconds > kSlowLatencySeconds) {
      finding.verdict = Verdict::kWarning;
      finding.advice = "slow to answer for one network; a busy core, another site, or mpi_yield_when_idle 0";
    }
    findings.push_back(finding);
  }
  return findings;
}

}  // namespace sterna::doctor
