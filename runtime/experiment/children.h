// Runs of this program as child processes, and signals that end them with it.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "runtime/core/clock.h"

namespace sterna::experiment {

// From its construction on, SIGINT, SIGTERM and SIGHUP (those that are not ignored, as under nohup) wait for
// wait(). The destructor ends the children that are left and waits for them.
class Children {
 public:
  struct Ended {
    std::size_t number;  // as given to start()
    int status;          // exit status; of a child that a signal ended, 128 + the signal's number
    double seconds;      // wall time
  };
  struct Interrupted {
    int signal;
  };

  Children();
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // Starts this very program file, also if another has its name by now, with one thread for each library that
  // reads OMP_NUM_THREADS or OPENBLAS_NUM_THREADS. Throws ConfigError if the operating system refuses.
  //   arguments  that follow the program's name
  //   output     file for what it prints on stdout and stderr; replaced
  void start(std::size_t number, const std::vector<std::string>& arguments,
             const std::filesystem::path& output);

  // Returns when a child has ended or a signal has come. There must be a child.
  [[nodiscard]] std::variant<Ended, Interrupted> wait();

  [[nodiscard]] std::size_t running() const { return running_.size(); }

 private:
  struct Child {
    pid_t process;
    std::size_t number;
    Stopwatch clock;
  };

  sigset_t signals_;   // that wait() waits for
  sigset_t previous_;  // that were blocked before, and are in children
  std::vector<Child> running_;
};

}  // namespace sterna::experiment
