// A matrix of training runs, variants x seeds, and what it shows; the work is in runtime/experiment.
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/collectives/agreement.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/experiment_program.h"
#include "runtime/experiment/definition.h"
#include "runtime/experiment/embedded.h"
#include "runtime/experiment/runner.h"
#include "runtime/experiment/table.h"

namespace sterna::commands {
namespace {

using namespace experiment;

struct Settings {
  std::string experiment;
  bool list = false;
  std::string out;
  std::string data_root;
  bool quick = false;
  std::size_t jobs = 1;
  std::uint64_t seeds = 0;
  std::string variants;
};

std::unique_ptr<CLI::App> make_app(Settings& s) {
  auto app = std::make_unique<CLI::App>(
      "Trains each variant of an experiment with several seeds and compares them: NAME, one that --list "
      "shows, or "
      "FILE.toml, one of your own. OUT/NAME gets result.json and the logs of every run. Started again, it "
      "goes on "
      "where it was interrupted. configs/experiments/README.md says how a file is written.",
      "sterna experiment");
  app->add_option("experiment", s.experiment, "NAME, or FILE.toml");
  add_flag_for(*app, "list", s.list, "show the experiments of this build");
  add_flag_for(*app, "out", s.out, "directory for results; this experiment's are in a folder of its name");
  add_flag_for(
      *app, "data-root", s.data_root,
      "directory with the data sets, each in a folder of its name: mnist, cifar10, cifar100, fsdd, multi30k, "
      "tinyshakespeare or text");
  add_flag_for(*app, "quick", s.quick, "the smaller version: a few minutes, fewer epochs and seeds");
  add_flag_for(*app, "jobs", s.jobs, "runs at a time, one core each");
  add_flag_for(*app, "seeds", s.seeds, "seeds 1 to N (0: as many as the experiment has)");
  add_flag_for(*app, "variants", s.variants, "run only these, such as dense,adacomp (none: all)");
  return app;
}

void list_experiments() {
  const Program program = this_program();
  for (const EmbeddedDefinition& each : embedded_definitions()) {
    const Definition d = find_definition(std::string(each.name), program.flags, /*is_quick=*/false);
    std::cout << each.name << std::string(each.name.size() < 24 ? 24 - each.name.size() : 1, ' ') << d.title
              << " (" << d.variants.size() << " variants x " << d.seeds << " seeds, "
              << d.settings.value("data", "synthetic") << ")\n";
  }
}

std::vector<std::string> split(const std::string& text) {
  return text.empty() ? std::vector<std::string>() : CLI::detail::split(text, ',');
}

void validate(const Settings& s) {
  if (s.experiment.empty()) {
    throw ConfigError(
        "[experiment] experiment: must be given, a name that `sterna experiment --list` shows, or FILE.toml");
  }
  if (s.out.empty()) throw ConfigError("[experiment] out: must be given, a directory; try --out results");
  if (s.jobs < 1 || s.jobs > 1024)
    throw ConfigError(cat("[experiment] jobs = ", s.jobs, ": must be in [1, 1024]"));
  if (s.seeds > experiment::kMostSeeds) {
    throw ConfigError(
        cat("[experiment] seeds = ", s.seeds, ": must be in [1, ", experiment::kMostSeeds, "], or 0"));
  }
}

// The exit status: 0 also where runs diverged or nothing was as expected, which are results.
int run_and_print(const Settings& s) {
  const Program program = this_program();
  Definition definition = find_definition(s.experiment, program.flags, s.quick);
  if (s.seeds > 0) definition.seeds = s.seeds;
  const RunnerOptions options{
      .out = s.out, .data_root = s.data_root, .jobs = s.jobs, .variants = split(s.variants)};
  const Report report = run_experiment(definition, options, program,
                                       [](const std::string& line) { std::cerr << line << std::endl; });
  std::cout << to_markdown(report.result) << std::flush;
  for (const Failure& failure : report.failures) {
    std::cerr << "[experiment] " << failure.run << " failed with status " << failure.status << ": see "
              << failure.output.string() << std::endl;
  }
  if (report.signal != 0) {
    std::cerr << "[experiment] interrupted; the same command goes on from here" << std::endl;
    return 128 + report.signal;
  }
  return report.failures.empty() ? 0 : 1;
}

}  // namespace

void describe_experiment(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int experiment(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  if (collectives::MpiSession::is_launched()) {
    agree(job.comm(),
          "[experiment] ranks: it starts runs of its own, each of one rank; run it without mpirun or srun");
  }
  if (settings.list) {
    list_experiments();
    return 0;
  }
  validate(settings);
  return run_and_print(settings);
}

}  // namespace sterna::commands
