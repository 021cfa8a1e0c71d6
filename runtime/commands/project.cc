// From measured runs to other numbers of ranks and other links; the model is in runtime/projection.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/collectives/agreement.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/project_report.h"
#include "runtime/core/number_text.h"
#include "runtime/projection/accelerator_model.h"
#include "runtime/projection/measured_run.h"
#include "runtime/projection/prediction.h"
#include "runtime/projection/quantities.h"
#include "runtime/record/append_file.h"

namespace sterna::commands {
namespace {

using namespace projection;

constexpr const char* kDefaultLatency = "50us";

struct Settings {
  std::vector<std::string> runs;
  std::string ranks = "2..1024";
  std::string bandwidth;
  std::string latency;
  std::string message_cost = "5us";
  std::string burst = "0us";
  double wire_efficiency = std::round(1e4 * kFrameEfficiency) / 1e4;
  std::string compressor;
  double rate = 100.0;
  std::string overlap = "run";
  std::size_t buckets = 0;
  double compute_seconds = 0.0;
  double compute_scale = 1.0;
  double compress_scale = 1.0;
  double decode_ns = 0.0;
  bool json = false;
  std::string plot;
  std::string plot_value = "step";
  bool paper = false;
};

double guessed_decode_ns(const char* compressor) {
  return 1e9 * guessed_seconds_per_gathered_element(compressor);
}

void add_flags(CLI::App& app, Settings& s) {
  add_flag_for(app, "run", s.runs,
               "--log-dir of a run of `sterna train`; may be given again, for other compressors");
  add_flag_for(app, "ranks", s.ranks, "numbers of ranks: 2,8,32, or 2..1024 for doubling ones");
  add_flag_for(app, "bandwidth", s.bandwidth,
               "of each rank's link, each way, such as 1gbit,25gbit; empty: that of the runs");
  add_flag_for(app, "latency", s.latency,
               "one way, such as 5us,50us; empty: 50us, or with the runs' bandwidth what goes best with it");
  add_flag_for(app, "message-cost", s.message_cost,
               "that a rank needs for each message, beside latency and bytes");
  add_flag_for(app, "burst", s.burst,
               "of a shaped link: the time at full rate whose bytes it lets through at once after a pause");
  add_flag_for(app, "wire-efficiency", s.wire_efficiency,
               "the part of the bandwidth that is not headers; default: TCP in full Ethernet frames");
  add_flag_for(app, "compressor", s.compressor,
               "more methods, such as fp16,topk: by closed form, from the first run's layers");
  add_flag_for(app, "rate", s.rate,
               "of --compressor topk, scalecom and adacomp: elements to one that is sent");
  app.add_option("--overlap", s.overlap, "of the exchange with backward: as in the run, on, or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"run", "on", "off"}));
  add_flag_for(app, "buckets", s.buckets,
               "that a gradient travels in; 0: the best number where the run chose it or --overlap is on, "
               "else the run's");
  add_flag_for(app, "compute-seconds", s.compute_seconds, "of a step; 0: those of the run");
  add_flag_for(app, "compute-scale", s.compute_scale, "times the computing; 0.1: devices ten times as fast");
  add_flag_for(app, "compress-scale", s.compress_scale, "times the compressing, likewise");
  add_flag_for(app, "decode-ns", s.decode_ns,
               cat("to add up one element of another learner's gathered payload; 0: ",
                   guessed_decode_ns("topk"), " of topk, ", guessed_decode_ns("adacomp"), " of adacomp"));
  add_flag_for(app, "json", s.json, "for scripts: one JSON object a line");
  add_flag_for(app, "plot", s.plot, "SVG file to write: a panel a link, a line a compressor");
  app.add_option("--plot-value", s.plot_value, "what the plot shows over ranks")
      ->capture_default_str()
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kPlotValues), std::end(kPlotValues))));
  add_flag_for(app, "paper", s.paper,
               "instead: speed-ups of ScaleCom's end-to-end table, as the model has them");
}

void require_range(const char* flag, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw ConfigError(cat("[project] ", flag, " = ", value, ": must be in [", low, ", ", high, "]"));
}

void validate(const Settings& s) {
  if (s.paper) return;
  if (s.runs.empty()) {
    throw ConfigError(
        "[project] run: must be given, the --log-dir of a run of `sterna train`; try --run results/mine");
  }
  require_range("wire-efficiency", s.wire_efficiency, 0.01, 1.0);
  require_range("rate", s.rate, 1.0, 1e9);
  require_range("compute-seconds", s.compute_seconds, 0.0, 1e6);
  require_range("compute-scale", s.compute_scale, 0.0, 1e6);
  require_range("compress-scale", s.compress_scale, 0.0, 1e6);
  require_range("decode-ns", s.decode_ns, 0.0, 1e6);
  require_range("buckets", static_cast<double>(s.buckets), 0.0, 1e6);
}

CodecCosts codec_costs(const Settings& s) {
  return {.scale = s.compress_scale, .seconds_per_element = 1e-9 * s.decode_ns};
}

// Every bandwidth with every latency; or what the runs had.
std::vector<ProjectedLink> links_of(const Settings& s, const std::vector<MeasuredRun>& runs) {
  Link link{.message_seconds = parse_duration("message-cost", s.message_cost),
            .burst_seconds = parse_duration("burst", s.burst)};
  std::vector<double> latencies;
  for (const std::string& text : split_list("latency", s.latency.empty() ? kDefaultLatency : s.latency)) {
    latencies.push_back(parse_duration("latency", text));
  }
  std::vector<ProjectedLink> links;
  if (s.bandwidth.empty()) {
    for (const double latency : latencies) {
      // What the runs took was not scaled.
      const CodecCosts costs{.seconds_per_element = codec_costs(s).seconds_per_element};
      link.latency_seconds = latency;
      link = link_of_runs(runs, costs, link, !s.latency.empty());
      const double bits =
          link.seconds_per_byte > 0.0 ? 8.0 / (link.seconds_per_byte * s.wire_efficiency) : 0.0;
      links.push_back({.link = link, .bits_per_second = bits, .is_of_run = true});
    }
    return links;
  }
  for (const std::string& text : split_list("bandwidth", s.bandwidth)) {
    const double bits = parse_bandwidth(text);
    link.seconds_per_byte = 8.0 / (bits * s.wire_efficiency);
    for (const double latency : latencies) {
      link.latency_seconds = latency;
      links.push_back({.link = link, .bits_per_second = bits});
    }
  }
  return links;
}

Workload workload_of(const Settings& s, const MeasuredRun& run) {
  const bool is_overlapped = s.overlap == "run" ? run.is_overlapped : s.overlap == "on";
  const bool is_open = s.overlap == "on" || (run.has_open_buckets && s.overlap == "run");
  const double compute = s.compute_seconds > 0.0 ? s.compute_seconds : run.compute_seconds;
  return {.compute_seconds = compute * s.compute_scale,
          .other_seconds = run.other_seconds,
          .learners_per_rank = run.layout.learners_per_rank,
          .is_overlapped = is_overlapped,
          .buckets = s.buckets > 0 ? s.buckets : (is_open ? 0 : run.layout.buckets),
          .most_buckets = run.layers.size()};
}

// One way to compress, and the run that it is projected from.
struct Candidate {
  std::string name;
  Subject subject;
  const MeasuredRun* run;
  std::optional<double> rate;
};

bool has_rate(const std::string& compressor) {
  return compressor == "topk" || compressor == "scalecom" || compressor == "adacomp";
}

// The measured ones, then those by closed form; dense gradients in any case, and first if nobody measured
// them.
std::vector<Candidate> candidates_of(const Settings& s, const std::vector<MeasuredRun>& runs) {
  const CodecCosts costs = codec_costs(s);
  std::vector<Candidate> all;
  const auto add = [&](Candidate candidate) {
    const auto is_taken = [&](const Candidate& other) { return other.name == candidate.name; };
    if (std::ranges::any_of(all, is_taken))
      candidate.name += cat(" (", candidate.run->directory.string(), ")");
    if (std::ranges::none_of(all, is_taken)) all.push_back(std::move(candidate));
  };
  const auto add_closed_form = [&](const std::string& compressor) {
    const bool is_at_rate = has_rate(compressor);
    const std::string name = is_at_rate ? cat(compressor, ", 1 of ", s.rate) : compressor;
    add({.name = name,
         .subject = closed_form_subject(runs.front(), compressor, s.rate, costs),
         .run = &runs.front(),
         .rate = is_at_rate ? std::optional(s.rate) : std::nullopt});
  };
  const auto is_dense = [](const MeasuredRun& run) { return run.compressor == "none"; };
  if (std::ranges::none_of(runs, is_dense)) add_closed_form("none");
  for (const MeasuredRun& run : runs) {
    const bool is_sparse = run.payload.sparse_elements > 0.0;
    add({.name = run.compressor + (is_sparse ? ", sparse-sum" : ""),
         .subject = measured_subject(run, costs),
         .run = &run,
         .rate = std::nullopt});
  }
  if (s.compressor.empty()) return all;
  for (const std::string& compressor : split_list("compressor", s.compressor)) {
    require_known(compressor);
    const auto has_name = [&](const Candidate& other) { return other.name == compressor; };
    if (std::ranges::none_of(all, has_name)) add_closed_form(compressor);
  }
  return all;
}

// All rows of one link and number of ranks.
void add_rows(const std::vector<Candidate>& candidates, const Settings& s, std::size_t link,
              std::uint32_t ranks, Projection& projection) {
  const std::size_t first = projection.rows.size();
  double dense_seconds = 0.0;
  for (const Candidate& candidate : candidates) {
    ProjectionRow row{.link = link,
                      .name = candidate.name,
                      .compressor = candidate.subject.name,
                      .is_measured = candidate.subject.is_measured,
                      .rate = candidate.rate,
                      .run = candidate.run->directory.string(),
                      .model = candidate.run->model};
    row.prediction =
        predict(candidate.subject, workload_of(s, *candidate.run), projection.links[link].link, ranks);
    if (row.compressor == "none" && dense_seconds == 0.0) dense_seconds = row.prediction.step_seconds;
    projection.rows.push_back(std::move(row));
  }
  const auto rows = std::span(projection.rows).subspan(first);
  for (ProjectionRow& row : rows) {
    row.speedup_over_dense =
        row.prediction.step_seconds > 0.0 ? dense_seconds / row.prediction.step_seconds : 1.0;
  }
  std::ranges::min_element(rows, {}, [](const ProjectionRow& row) {
    return row.prediction.step_seconds;
  })->is_fastest = true;
}

std::string sentence_of(const MeasuredRun& run) {
  return cat("run ", run.directory.string(), ": ", run.model, ", ", run.compressor, ", ", run.layout.ranks,
             " ranks on ", run.hosts, run.hosts == 1 ? " host, " : " hosts, ", run.layout.learners_per_rank,
             " x ", run.samples, " samples a rank; ", run.steps,
             " steps, medians: ", duration_text(run.step_seconds), " a step, compute ",
             duration_text(run.compute_seconds), ", compress ", duration_text(run.compress_seconds),
             ", exchange ", duration_text(run.exchange_seconds), ", exposed ",
             duration_text(run.exposed_seconds), "; rank 0 sent ", bytes_text(run.wire_bytes_sent));
}

std::string decode_text(const Settings& s) {
  if (s.decode_ns > 0.0) return cat(s.decode_ns, " ns an element sent");
  return cat(guessed_decode_ns("topk"), " ns (topk) or ", guessed_decode_ns("adacomp"),
             " ns (adacomp) an element sent");
}

std::vector<std::string> assumptions_of(const Settings& s, const std::vector<MeasuredRun>& runs,
                                        const std::vector<ProjectedLink>& links) {
  std::vector<std::string> all;
  for (const MeasuredRun& run : runs) all.push_back(sentence_of(run));
  const Workload workload = workload_of(s, runs.front());
  all.push_back(cat("assumed: each rank keeps its ", workload.learners_per_rank,
                    workload.learners_per_rank == 1 ? " learner" : " learners",
                    " and samples, and computes for ", duration_text(workload.compute_seconds),
                    " a step; all ranks alike, each with a link of its own"));
  all.push_back(cat("assumed: a message costs its sender ", s.message_cost, "; ",
                    number_text(100 * s.wire_efficiency, 3),
                    " % of the bandwidth carries what is sent; adding up another learner's payload takes ",
                    decode_text(s)));
  all.push_back(
      workload.is_overlapped
          ? "assumed: the exchange overlaps backward, two thirds of computing, in buckets of equal cost"
          : "assumed: the exchange begins when backward has ended");
  const bool is_memory = std::ranges::all_of(runs, [](const MeasuredRun& run) { return run.hosts == 1; });
  if (links.front().is_of_run && is_memory) {
    all.push_back(
        "note: the runs' ranks shared one host, so that their link is its memory; give --bandwidth");
  }
  const bool is_any_order = std::ranges::any_of(runs, &MeasuredRun::sums_in_any_order);
  if (is_any_order) {
    all.push_back("note: sums in any order are the MPI library's; they are projected as in tree order");
  }
  return all;
}

void print_paper(bool as_json) {
  if (!as_json) {
    std::cout
        << "speed-up of a worker over dense gradients, ResNet-50, parameter server, nothing overlapped.\n"
           "calibrated: dense exchange = computing at 8 samples and 100 TFLOP/s, nothing left to send;\n"
           "physical: 64 GB/s, 4 bytes a value, 75 % of the peak, ScaleCom's bytes at rate 96.\n"
           "A secondary source has the paper's as 2 to 1.23 (100 TFLOP/s) and 4.1 to 1.75 (300 TFLOP/s).\n\n"
           " TFLOP/s  samples  calibrated  physical\n";
  }
  for (const AcceleratorRow& row : accelerator_table()) {
    if (as_json) {
      const nlohmann::ordered_json json = {{"peak_flops_per_second", row.peak_flops_per_second},
                                           {"samples", row.samples},
                                           {"calibrated_speedup", row.calibrated},
                                           {"physical_speedup", row.physical}};
      std::cout << json.dump() << "\n";
      continue;
    }
    const auto cell = [](const std::string& text, std::size_t width) {
      return std::string(width - std::min(width, text.size()), ' ') + text;
    };
    std::cout << cell(number_text(1e-12 * row.peak_flops_per_second, 3), 8) << cell(cat(row.samples), 9)
              << cell(number_text(row.calibrated, 3), 12) << cell(number_text(row.physical, 3), 10) << "\n";
  }
}

void project_runs(const Settings& s) {
  const std::vector<std::uint32_t> ranks = parse_ranks(s.ranks);
  std::vector<MeasuredRun> runs;
  for (const std::string& directory : s.runs) runs.push_back(read_run(directory));
  for (const MeasuredRun& run : runs) {
    if (run.model != runs.front().model ||
        run.layout.learners_per_rank != runs.front().layout.learners_per_rank) {
      throw ConfigError(cat("[project] run = ", run.directory.string(), ": must be of the model, ",
                            runs.front().model, ", and of as many learners a rank as the first run, ",
                            runs.front().layout.learners_per_rank));
    }
  }
  const std::vector<Candidate> candidates = candidates_of(s, runs);
  Projection projection{.links = links_of(s, runs)};
  projection.assumptions = assumptions_of(s, runs, projection.links);
  for (std::size_t link = 0; link < projection.links.size(); ++link) {
    for (const std::uint32_t p : ranks) add_rows(candidates, s, link, p, projection);
  }
  if (!s.plot.empty()) record::write_whole(s.plot, to_svg(projection, s.plot_value));
  if (s.json) {
    print_json(std::cout, projection);
  } else {
    print_text(std::cout, projection);
  }
}

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "What a step would take on other numbers of ranks and other links, from runs that were measured: time, "
      "exchange, what of it is exposed, bytes, speed-up over dense gradients, scaling efficiency. "
      "runtime/projection/README.md has the model and how far it can be trusted.",
      "sterna project");
  add_flags(*app, settings);
  return app;
}

}  // namespace

void describe_project(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int project(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  if (job.comm().ranks() > 1) {
    agree(job.comm(), "[project] ranks: project is one process and needs no others; run it without mpirun");
  }
  validate(settings);
  if (settings.paper) {
    print_paper(settings.json);
  } else {
    project_runs(settings);
  }
  return 0;
}

}  // namespace sterna::commands
