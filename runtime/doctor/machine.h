// What one rank finds where it runs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sterna::doctor {

struct MachineFacts {
  std::string host{};
  std::string program{};              // version, build, hash of the file
  std::string libraries{};            // their versions
  std::string vector_units{};         // what its kernels use: AVX-512, AVX2 or none
  std::vector<int> cores{};           // numbers of those that this process may use, ascending
  std::uint64_t available_bytes = 0;  // of memory: the machine's, or what its control group leaves
  std::uint64_t open_files = 0;       // how many this process may have
  std::map<std::string, std::string> settings{};  // of Open MPI, as launchers hand them to ranks
  double clock_offset_seconds = 0.0;              // the wall clock minus rank 0's
  std::string data{};                             // digest of --data-dir; empty if it was not asked for
  std::string data_error{};                       // why there is none
};

// Cores, memory, files and settings; the rest is left for the caller to fill in.
[[nodiscard]] MachineFacts look_at_machine();

// The smaller of two readings of memory, in bytes.
//   meminfo        the text of /proc/meminfo
//   group_maximum  of memory.max: a number, or "max"
//   group_current  of memory.current
[[nodiscard]] std::uint64_t available_memory(const std::string& meminfo, const std::string& group_maximum,
                                             const std::string& group_current);

// As one line, and back.
[[nodiscard]] std::string to_text(const MachineFacts& facts);
[[nodiscard]] MachineFacts facts_from_text(const std::string& text);

}  // namespace sterna::doctor
