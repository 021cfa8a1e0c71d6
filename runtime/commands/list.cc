#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "compressors/compressor.h"
#include "models/model.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/data/dataset.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/schedule.h"

namespace sterna::commands {
namespace {

struct Item {
  std::string name;
  std::string summary;
};

struct Section {
  std::string title;
  std::vector<Item> items;
};

template <typename Table>
Section section(const std::string& title, const Table& table) {
  Section result{title, {}};
  for (const auto& entry : table)
    result.items.push_back({std::string(entry.name), std::string(entry.summary)});
  return result;
}

std::vector<Section> sections() {
  Section models{"models", {}};
  for (const models::ModelEntry& entry : models::model_table()) {
    models.items.push_back(
        {std::string(entry.name), cat(entry.summary, "; ", entry.parameters, " parameters")});
  }
  Section schedules{"schedules", {}};
  for (std::string_view name : optim::Schedule::names()) schedules.items.push_back({std::string(name), ""});
  Section transports{"transports",
                     {{"single", "one process; what auto takes where no launcher started the program"},
                      {"mpi", "MPI point-to-point messages; what auto takes under mpirun and srun"}}};
  if (collectives::has_nccl()) {
    transports.items.push_back(
        {"nccl",
         "NCCL between GPUs, one for each rank; gradients of the host's memory are staged through them"});
  }
  return {models,
          section("data", data::dataset_table()),
          section("compressors", compressors::compressor_table()),
          section("optimizers", optim::optimizer_table()),
          schedules,
          transports};
}

void print_text(const std::vector<Section>& all) {
  for (const Section& part : all) {
    std::cout << part.title << "\n";
    std::size_t width = 12;
    for (const Item& item : part.items) width = std::max(width, item.name.size());
    for (const Item& item : part.items) {
      std::cout << "  " << item.name;
      if (!item.summary.empty()) std::cout << std::string(width + 2 - item.name.size(), ' ') << item.summary;
      std::cout << "\n";
    }
  }
}

void print_json(const std::vector<Section>& all) {
  nlohmann::ordered_json json;
  for (const Section& part : all) {
    json[part.title] = nlohmann::ordered_json::array();
    for (const Item& item : part.items)
      json[part.title].push_back({{"name", item.name}, {"summary", item.summary}});
  }
  std::cout << json.dump(2) << "\n";
}

std::unique_ptr<CLI::App> make_app(bool& as_json) {
  auto app = std::make_unique<CLI::App>(
      "Models, data sets, compressors, optimizers, schedules and transports of this build.", "sterna list");
  add_flag_for(*app, "json", as_json, "for scripts: one JSON object");
  return app;
}

}  // namespace

void describe_list(const AppVisitor& visit) {
  bool as_json = false;
  visit(*make_app(as_json));
}

int list(Job& job, int argc, const char* const* argv) {
  bool as_json = false;
  if (!parse_together(job, *make_app(as_json), argc, argv) || job.rank() != 0) return 0;
  if (as_json) {
    print_json(sections());
  } else {
    print_text(sections());
  }
  return 0;
}

}  // namespace sterna::commands
