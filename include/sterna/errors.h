// The errors that Sterna throws: in the program, where they decide the exit status, and in the installed
// library, where they are all that a caller catches. Every one of them is a std::exception.
//
// A message reads `[part] what = value: what is legal; what to try`, and names rank, step and layer where
// they exist.
#pragma once

#include <stdexcept>

#include "sterna/api.h"

namespace sterna {

// The author of a command line, a config, a data file or a call can fix it; the program ends with status 2.
class STERNA_API ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A ConfigError that every rank of the job has, and throws: none needs to be told to stop.
class STERNA_API AgreedConfigError : public ConfigError {
  using ConfigError::ConfigError;
};

// Bytes from another rank or from a file that no encoder of this build can have written; status 1.
class STERNA_API WireError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The network, or another rank, failed; names call, rank and peer; status 1.
class STERNA_API CommError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// NaN or infinity in a loss or a gradient: not a fault of the program, but nothing more can be learned;
// status 3.
class STERNA_API DivergedError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A DivergedError that every rank of the job has, and throws at the same place: all may still communicate.
class STERNA_API AgreedDivergedError : public DivergedError {
  using DivergedError::DivergedError;
};

// A condition of our own code that does not hold; status 1.
class STERNA_API InternalError : public std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace sterna
