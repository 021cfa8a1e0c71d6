#include "runtime/doctor/machine.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/collectives/hosts.h"
#include "runtime/core/processor.h"

namespace sterna::doctor {
namespace {

// Those of which findings.cc knows what they should be.
constexpr const char* kSettings[] = {"OMPI_MCA_btl_tcp_links", "OMPI_MCA_mpi_yield_when_idle"};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace

std::uint64_t available_memory(const std::string& meminfo, const std::string& group_maximum,
                               const std::string& group_current) {
  std::uint64_t kilobytes = 0;
  const std::string key = "MemAvailable:";
  if (const std::size_t at = meminfo.find(key); at != std::string::npos) {
    std::istringstream(meminfo.substr(at + key.size())) >> kilobytes;
  }
  const std::uint64_t of_machine = kilobytes * 1024;
  std::uint64_t maximum = 0;
  std::uint64_t current = 0;
  if (!(std::istringstream(group_maximum) >> maximum)) return of_machine;
  std::istringstream(group_current) >> current;
  return std::min(of_machine, maximum - std::min(maximum, current));
}

MachineFacts look_at_machine() {
  MachineFacts facts;
  facts.host = collectives::host_name();
  facts.vector_units = has_avx512() ? "AVX-512" : has_avx2() ? "AVX2" : "none";
  facts.cores = usable_cores();
  const std::string group = "/sys/fs/cgroup/memory.";  // of version 2, as a container sees its own
  facts.available_bytes =
      available_memory(text_of("/proc/meminfo"), text_of(group + "max"), text_of(group + "current"));
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) facts.open_files = files.rlim_cur;
  for (const char* setting : kSettings) {
    if (const char* value = std::getenv(setting)) facts.settings[setting] = value;
  }
  return facts;
}

std::string to_text(const MachineFacts& facts) {
  return nlohmann::json{{"host", facts.host},
                        {"program", facts.program},
                        {"libraries", facts.libraries},
                        {"vector_units", facts.vector_units},
                        {"cores", facts.cores},
                        {"available_bytes", facts.available_bytes},
                        {"open_files", facts.open_files},
                        {"settings", facts.settings},
                        {"clock_offset_seconds", facts.clock_offset_seconds},
                        {"data", facts.data},
                        {"data_error", facts.data_error}}
      .dump();
}

MachineFacts facts_from_text(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  return {.host = json.at("host"),
          .program = json.at("program"),
          .libraries = json.at("libraries"),
          .vector_units = json.at("vector_units"),
          .cores = json.at("cores"),
          .available_bytes = json.at("available_bytes"),
          .open_files = json.at("open_files"),
          .settings = json.at("settings"),
          .clock_offset_seconds = json.at("clock_offset_seconds"),
          .data = json.at("data"),
          .data_error = json.at("data_error")};
}

}  // namespace sterna::doctor
