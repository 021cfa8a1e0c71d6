// What ranks must agree on before they go on together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

// Returns if no rank has an error; else throws AgreedConfigError with the first one, on every rank, so that
// none waits for a rank that gave up. Collective.
void agree(Communicator& comm, const std::string& error);

// Throws AgreedConfigError, which names an odd rank and the first entry in which it differs, if the ranks'
// entries are not the same. Collective.
//   part     begins the message
//   entries  "what = value", in the same order everywhere, without line breaks
void require_equal(Communicator& comm, std::string_view part, const std::vector<std::string>& entries);

}  // namespace sterna::collectives
