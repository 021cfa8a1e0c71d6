// What was found in logs and experiments, as a page; runtime/report makes it.
#include <filesystem>
#include <iostream>

#include "runtime/collectives/agreement.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/core/number_text.h"
#include "runtime/record/append_file.h"
#include "runtime/report/report.h"

namespace sterna::commands {
namespace {

struct Settings {
  std::string directory;
  std::string out;
  bool markdown = false;
};

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "sterna report DIR: shows what the logs below a directory say, those of `sterna train` and of `sterna "
      "experiment`, in one HTML file that needs no network: verdicts, tables, and charts of losses, bytes, "
      "times, "
      "layers and diagnostics. runtime/report/README.md says how to read it.",
      "sterna report");
  app->add_option(
      "directory", settings.directory,
      "where to look: the --out of `sterna experiment`, a --log-dir of `sterna train`, or one above");
  add_flag_for(*app, "out", settings.out,
               "HTML file to write, replaced if it is there (none: DIR/report.html)");
  add_flag_for(*app, "markdown", settings.markdown,
               "print verdicts and tables as Markdown; no HTML file then, unless --out names one");
  return app;
}

void validate(const Settings& settings) {
  // What was meant to be read is not written over.
  if (!settings.out.empty() && std::filesystem::path(settings.out).extension() != ".html") {
    throw ConfigError(cat("[report] out = ", settings.out, ": must be a name that ends in .html"));
  }
  if (settings.directory.empty()) {
    throw ConfigError(
        "[report] directory: must be given, where results are; give the --out of `sterna experiment`, or a "
        "--log-dir "
        "of `sterna train`");
  }
}

// "1 experiment, 3 runs".
std::string count_text(const report::Found& found) {
  const auto counted = [](std::size_t count, const char* what) {
    return cat(count, " ", what, count == 1 ? "" : "s");
  };
  return cat(counted(found.experiments.size(), "experiment"), ", ", counted(found.runs.size(), "run"),
             " outside of experiments");
}

void write_report(const Settings& settings) {
  const std::filesystem::path directory = settings.directory;
  const report::Found found = report::find_results(directory);
  const report::Document document = report::report_of(directory, found);
  if (settings.markdown) std::cout << report::to_markdown(document);
  if (settings.markdown && settings.out.empty()) return;
  std::filesystem::path out = settings.out;
  if (out.empty()) out = directory / "report.html";
  const std::string html = report::to_html(document);
  record::write_whole(out, html);
  if (!settings.markdown) {
    std::cout << out.string() << ": " << count_text(found) << "; "
              << bytes_text(static_cast<double>(html.size())) << "\n";
  }
}

}  // namespace

void describe_report(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int report(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  if (job.comm().ranks() > 1) {
    agree(job.comm(), "[report] ranks: report is one process and needs no others; run it without mpirun");
  }
  validate(settings);
  write_report(settings);
  return 0;
}

}  // namespace sterna::commands
