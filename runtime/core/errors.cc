#include "runtime/core/errors.h"

namespace sterna::detail {

void fail_check(const char* expression, const std::string& operands, const char* file, int line) {
  throw InternalError(cat("[check] ", expression, " does not hold for ", operands, ", at ", file, ":", line,
                          "; this is a defect of the program, please report it"));
}

}  // namespace sterna::detail
