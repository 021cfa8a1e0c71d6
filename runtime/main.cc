// The program: subcommands, and what becomes of an error. Exit status: 0 done, 1 a fault while running, 2 the
// user's mistake, 3 training diverged.
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>

#include "runtime/commands/commands.h"
#include "runtime/core/errors.h"

namespace {

using namespace sterna;

// One line, with the rank; the other ranks stop with this one.
int fail(Job* job, const std::string& what, int status) {
  std::cerr << "[rank " << (job ? job->rank() : 0) << "] " << what << std::endl;
  return job ? job->give_up(status) : status;
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Job> job;
  try {
    job = std::make_unique<Job>(&argc, &argv);
    const int status = commands::dispatch("sterna", commands::command_table(), *job, argc, argv);
    std::cout.flush();
    if (!std::cout) throw std::runtime_error("standard output: cannot be written; is the disk full?");
    return status;
  } catch (const AgreedConfigError& error) {
    if (job->rank() == 0) std::cerr << error.what() << std::endl;
    return 2;
  } catch (const ConfigError& error) {
    return fail(job.get(), error.what(), 2);
  } catch (const DivergedError& error) {
    return fail(job.get(), error.what(), 3);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(job.get(), cat("[files] ", error.what()), 2);
  } catch (const std::bad_alloc&) {
    return fail(job.get(), "[memory] not enough for what is asked for", 2);
  } catch (const std::exception& error) {
    return fail(job.get(), error.what(), 1);
  }
}
