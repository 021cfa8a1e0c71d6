#include "runtime/collectives/agreement.h"

#include <algorithm>
#include <utility>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// The first lines in which two texts differ.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_of_a(a);
  std::istringstream lines_of_b(b);
  std::string line_of_a;
  std::string line_of_b;
  while (line_of_a == line_of_b) {
    const bool has_a = static_cast<bool>(std::getline(lines_of_a, line_of_a));
    const bool has_b = static_cast<bool>(std::getline(lines_of_b, line_of_b));
    if (!has_a) line_of_a = "nothing more";
    if (!has_b) line_of_b = "nothing more";
    if (!has_a || !has_b) break;
  }
  return {line_of_a, line_of_b};
}

}  // namespace

void agree(Communicator& comm, const std::string& error) {
  const std::vector<std::string> errors = all_gather_text(comm, error);
  for (std::size_t rank = 0; rank < errors.size(); ++rank) {
    if (errors[rank].empty()) continue;
    const bool is_common =
        std::ranges::all_of(errors, [&](const std::string& e) { return e == errors[rank]; });
    throw AgreedConfigError(is_common ? errors[rank] : cat(errors[rank], " (on rank ", rank, ")"));
  }
}

void require_equal(Communicator& comm, std::string_view part, const std::vector<std::string>& entries) {
  const std::vector<std::string> by_rank = all_gather_text(comm, joined(entries, "\n"));
  for (std::size_t rank = 1; rank < by_rank.size(); ++rank) {
    if (by_rank[rank] == by_rank.front()) continue;
    const auto [first, other] = first_difference(by_rank.front(), by_rank[rank]);
    throw AgreedConfigError(cat("[", part, "] ", first, " on rank 0, ", other, " on rank ", rank,
                                ": all ranks must run the same program with the same settings"));
  }
}

}  // namespace sterna::collectives
