#include "runtime/experiment/runner.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <system_error>

#include "runtime/core/errors.h"
#include "runtime/experiment/children.h"
#include "runtime/experiment/plan.h"
#include "runtime/experiment/run_logs.h"
#include "runtime/record/append_file.h"

namespace sterna::experiment {
namespace {

constexpr int kStatusDiverged = 3;

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) return;
  throw ConfigError(cat("[experiment] out = ", directory.string(), ": cannot make it (", error.message(),
                        "); choose a directory that can be written"));
}

// Held while this process or a run that it has started works in the directory: children inherit the file, so
// that they hold it too if this process is killed.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / "lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT, 0644);
    if (descriptor_ < 0) {
      throw ConfigError(cat("[experiment] out = ", directory.string(), ": cannot open its lock (",
                            std::strerror(errno), "); choose a directory that can be written"));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(descriptor_);
    throw ConfigError(
        cat("[experiment] out = ", directory.string(),
            ": another `sterna experiment`, or a run that it left, works there; wait for it, or choose "
            "another --out"));
  }
  ~DirectoryLock() { ::close(descriptor_); }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int descriptor_;
};

void require_variants(const Definition& definition, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(definition.variants, name, &Variant::name) != definition.variants.end()) continue;
    std::vector<std::string> legal;
    for (const Variant& variant : definition.variants) legal.push_back(variant.name);
    throw ConfigError(cat("[experiment] variants = ", name, ": must be of ", joined(legal, ", ")));
  }
}

// The highest seed of runs that are planned now or have ended before: fewer seeds than last time take none of
// them out of the result.
std::uint64_t highest_seed(const Definition& definition, const std::filesystem::path& directory) {
  for (std::uint64_t seed = kMostSeeds; seed > definition.seeds; --seed) {
    for (const Variant& variant : definition.variants) {
      if (has_ended(run_directory(directory, variant.name, seed))) return seed;
    }
  }
  return definition.seeds;
}

std::string minutes(double seconds) {
  return seconds < 90.0 ? cat(std::lround(seconds), " s") : cat(std::lround(seconds / 60.0), " min");
}

// The runs of one experiment, those that are there and those to come.
class Runner {
 public:
  Runner(const Definition& definition, const RunnerOptions& options, const Program& program,
         const std::function<void(const std::string&)>& note)
      : definition_(definition),
        directory_(options.out / definition.name),
        jobs_(options.jobs),
        note_(note),
        runs_(plan_runs(definition, highest_seed(definition, directory_), directory_, options.data_root,
                        program)),
        summaries_(runs_.size()) {
    require_variants(definition, options.variants);
    make_directory(directory_);
    lock_.emplace(directory_);
    require_same_expectations(definition, directory_ / "result.json");
    find_what_is_there(options, program.settings_of({}));
  }

  Report run() {
    Report report;
    const std::size_t asked = definition_.variants.size() * definition_.seeds;
    if (!queue_.empty() && to_do_ < asked) {
      note_(cat(definition_.name, ": ", to_do_, " of ", asked, " runs are to be done"));
    }
    while (report.signal == 0 && (!queue_.empty() || children_.running() > 0)) {
      while (!queue_.empty() && children_.running() < jobs_) start_next();
      const auto event = children_.wait();
      if (const auto* interrupted = std::get_if<Children::Interrupted>(&event)) {
        report.signal = interrupted->signal;
      } else {
        take(std::get<Children::Ended>(event), report);
      }
    }
    report.result = write_result();
    return report;
  }

 private:
  void find_what_is_there(const RunnerOptions& options, const nlohmann::ordered_json& defaults) {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const std::string& name = definition_.variants[runs_[i].variant].name;
      const bool is_wanted =
          runs_[i].seed <= definition_.seeds &&
          (options.variants.empty() || std::ranges::find(options.variants, name) != options.variants.end());
      auto outcome = find_outcome(runs_[i], defaults);
      if (!outcome && is_wanted) outcome = copied(runs_[i], options.out, defaults);
      if (outcome) {
        summaries_[i] = summarise(runs_[i], *outcome, definition_.measure);
      } else if (is_wanted) {
        queue_.push_back(i);
      }
    }
    to_do_ = queue_.size();
  }

  std::optional<RunOutcome> copied(const PlannedRun& run, const std::filesystem::path& out,
                                   const nlohmann::ordered_json& defaults) const {
    const auto found = copy_equal_run(run, out, defaults);
    if (!found) return std::nullopt;
    note_(cat(name_of(run), ": copied from ", found->from.string(), ", which has the same settings"));
    return found->outcome;
  }

  [[nodiscard]] std::string name_of(const PlannedRun& run) const {
    return cat(definition_.variants[run.variant].name, ", seed ", run.seed);
  }

  [[nodiscard]] std::filesystem::path output_of(std::size_t number) const {
    return runs_[number].directory / "output.txt";
  }

  void start_next() {
    const std::size_t number = queue_.front();
    queue_.pop_front();
    make_directory(runs_[number].directory);
    remove_outcome(runs_[number].directory);
    std::vector<std::string> arguments = {"train"};
    arguments.insert(arguments.end(), runs_[number].arguments.begin(), runs_[number].arguments.end());
    children_.start(number, arguments, output_of(number));
  }

  void take(const Children::Ended& ended, Report& report) {
    const PlannedRun& run = runs_[ended.number];
    RunOutcome outcome{.status = RunStatus::kFailed, .seconds = ended.seconds};
    if (ended.status == 0) outcome.status = RunStatus::kDone;
    if (ended.status == kStatusDiverged) outcome.status = RunStatus::kDiverged;
    const std::string name = name_of(run);
    if (outcome.status == RunStatus::kFailed) {
      report.failures.push_back({.run = name, .status = ended.status, .output = output_of(ended.number)});
    }
    write_outcome(run.directory, outcome);
    summaries_[ended.number] = summarise(run, outcome, definition_.measure);
    ++done_;
    done_seconds_ += ended.seconds;
    note_(cat(name, ": ", sentence_of(*summaries_[ended.number]), ", ", minutes(ended.seconds), "; ", done_,
              " of ", to_do_, time_left()));
    (void)write_result();
  }

  [[nodiscard]] std::string sentence_of(const RunSummary& run) const {
    if (!run.value) return std::string(status_name(run.status));
    char text[64];
    std::snprintf(text, sizeof text, " %.4f, rate %.1f", *run.value, compression_rate(run));
    return definition_.measure + text;
  }

  // As the runs so far took, on average.
  [[nodiscard]] std::string time_left() const {
    if (done_ == to_do_) return "";
    const double each = done_seconds_ / static_cast<double>(done_);
    return cat(", about ", minutes(each * static_cast<double>(to_do_ - done_) / static_cast<double>(jobs_)),
               " left");
  }

  ExperimentResult write_result() const {
    std::vector<std::vector<RunSummary>> by_variant(definition_.variants.size());
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (summaries_[i]) by_variant[runs_[i].variant].push_back(*summaries_[i]);
    }
    ExperimentResult result = make_result(definition_, by_variant);
    record::write_whole(directory_ / "result.json", to_json(result).dump(2) + '\n');
    return result;
  }

  Children children_;  // first: threads that checking models may start must not take its signals
  const Definition& definition_;
  std::filesystem::path directory_;
  std::size_t jobs_;
  const std::function<void(const std::string&)>& note_;
  std::vector<PlannedRun> runs_;
  std::vector<std::optional<RunSummary>> summaries_;  // of those that have ended
  std::optional<DirectoryLock> lock_;
  std::deque<std::size_t> queue_;  // to be started
  std::size_t to_do_ = 0;
  std::size_t done_ = 0;  // by this process
  double done_seconds_ = 0.0;
};

}  // namespace

Report run_experiment(const Definition& definition, const RunnerOptions& options, const Program& program,
                      const std::function<void(const std::string&)>& note) {
  return Runner(definition, options, program, note).run();
}

}  // namespace sterna::experiment
