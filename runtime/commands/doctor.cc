#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/collectives/clock_offset.h"
#include "runtime/collectives/collectives.h"
#include "runtime/collectives/hosts.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/core/version.h"
#include "runtime/doctor/data_digest.h"
#include "runtime/doctor/findings.h"
#include "runtime/doctor/links.h"
#include "runtime/doctor/machine.h"
#include "runtime/executable.h"
#include "runtime/tensor/libraries.h"

namespace sterna::commands {
namespace {

struct Settings {
  int threads = 1;
  std::string data_dir;
  bool json = false;
};

// The wall clock, as a time of the steady one: offsets between ranks are what matters.
TimePoint wall_clock() {
  return TimePoint(
      std::chrono::duration_cast<TimePoint::duration>(std::chrono::system_clock::now().time_since_epoch()));
}

// What every rank finds, in rank order. Collective.
std::vector<doctor::MachineFacts> look_everywhere(const Settings& settings, collectives::Communicator& comm) {
  doctor::MachineFacts mine = doctor::look_at_machine();
  mine.program = cat(kVersion, " (", kBuild, "), file ", executable_hash());
  mine.libraries = cat(collectives::MpiSession::library_version(), "; ", tensor::library_versions());
  const collectives::ClockOffset offset = collectives::estimate_clock_offset(comm, wall_clock);
  mine.clock_offset_seconds = std::chrono::duration<double>(offset.offset).count();
  // One rank of each host reads the data; the others of that host would read the same.
  const int first_here = comm.host_of(comm.rank());  // learn_hosts() numbers hosts by their first ranks
  if (!settings.data_dir.empty() && comm.rank() == first_here) {
    try {
      mine.data = doctor::data_digest(settings.data_dir);
    } catch (const ConfigError& error) {
      mine.data_error = error.what();
    }
  }
  std::vector<doctor::MachineFacts> all;
  for (const std::string& text : collectives::all_gather_text(comm, to_text(mine))) {
    all.push_back(doctor::facts_from_text(text));
  }
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    const doctor::MachineFacts& first = all[static_cast<std::size_t>(comm.host_of(static_cast<int>(rank)))];
    all[rank].data = first.data;
    all[rank].data_error = first.data_error;
  }
  return all;
}

// The first rank of each host; or all ranks where there is one host, whose memory is then the link.
std::vector<int> ends_of_links(const collectives::Communicator& comm) {
  std::vector<int> firsts;
  for (int rank = 0; rank < comm.ranks(); ++rank) {
    if (comm.host_of(rank) == rank) firsts.push_back(rank);
  }
  if (firsts.size() == 1 && comm.ranks() > 1) firsts = {0, 1};
  return firsts;
}

void print(const std::vector<doctor::Finding>& findings, bool as_json) {
  for (const doctor::Finding& finding : findings) {
    const std::string verdict(doctor::verdict_name(finding.verdict));
    if (as_json) {
      const nlohmann::ordered_json line = {{"verdict", verdict},
                                           {"subject", finding.subject},
                                           {"text", finding.text},
                                           {"advice", finding.advice}};
      std::cout << line.dump() << "\n";
      continue;
    }
    const auto padded = [](std::string text, std::size_t width) {
      return text.append(width - std::min(width, text.size()), ' ');
    };
    std::cout << padded(verdict, 9) << padded(finding.subject, 12) << finding.text
              << (finding.advice.empty() ? "" : cat("; ", finding.advice)) << "\n";
  }
}

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "Looks whether training would run well where this was started, best under mpirun as training is: a "
      "line for each thing, "
      "with what to do about what is amiss. Status 1 if there is a problem.",
      "sterna doctor");
  add_number_for(*app, "threads", settings.threads, "threads per rank that training will use", 1, 1024);
  app->add_option("--data-dir", settings.data_dir,
                  "directory of the data, which all hosts must have alike (none: not looked at)");
  add_flag_for(*app, "json", settings.json, "one JSON object a line");
  return app;
}

}  // namespace

void describe_doctor(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int doctor(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;

  collectives::Communicator& comm = job.comm();
  (void)collectives::learn_hosts(comm);
  const std::vector<doctor::MachineFacts> facts = look_everywhere(settings, comm);
  std::vector<doctor::Finding> findings = doctor::judge(facts, settings.threads);
  if (comm.rank() == 0) print(findings, settings.json);
  const std::vector<doctor::Link> links = doctor::measure_links(comm, ends_of_links(comm));
  const std::vector<doctor::Finding> of_links = doctor::judge_links(facts, links);
  if (comm.rank() == 0) print(of_links, settings.json);
  const bool has_problem = std::ranges::any_of(
      findings, [](const doctor::Finding& finding) { return finding.verdict == doctor::Verdict::kProblem; });
  return has_problem ? 1 : 0;
}

}  // namespace sterna::commands
