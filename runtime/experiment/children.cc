#include "runtime/experiment/children.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "runtime/core/errors.h"

namespace sterna::experiment {
namespace {

void require(int error, const std::string& what) {
  if (error == 0) return;
  throw ConfigError(cat("[experiment] ", what, ": cannot be started (", std::strerror(error),
                        "); end other programs, or give a smaller --jobs"));
}

// The environment of this process, with one thread.
std::vector<std::string> child_environment() {
  constexpr std::array<std::string_view, 2> kThreads = {"OMP_NUM_THREADS=", "OPENBLAS_NUM_THREADS="};
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(kThreads[0]) && !text.starts_with(kThreads[1])) all.emplace_back(text);
  }
  for (std::string_view name : kThreads) all.push_back(cat(name, 1));
  return all;
}

// As the operating system takes it: pointers, then null. `texts` must outlive it.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// What posix_spawn is told, given back to the C library in any case.
class SpawnOptions {
 public:
  SpawnOptions(const std::filesystem::path& output, const sigset_t& blocked) {
    require(posix_spawn_file_actions_init(&actions_), "a run");
    require(posix_spawnattr_init(&attributes_), "a run");
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0644);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setpgroup(&attributes_, 0);
    // A group of its own: Ctrl-C is for this process, which then ends the children.
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnOptions() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

bool is_ignored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Children::Children() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGCHLD);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(signal)) sigaddset(&signals_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, &previous_);
}

Children::~Children() {
  for (const Child& child : running_) ::kill(child.process, SIGTERM);
  for (const Child& child : running_) {
    while (::waitpid(child.process, nullptr, 0) < 0 && errno == EINTR) continue;
  }
  // A signal that came while they were ending is done with; left pending, it would end this process now.
  constexpr timespec kAtOnce = {};
  while (sigtimedwait(&signals_, nullptr, &kAtOnce) > 0) continue;
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void Children::start(std::size_t number, const std::vector<std::string>& arguments,
                     const std::filesystem::path& output) {
  std::vector<std::string> words = {"sterna"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = child_environment();
  const SpawnOptions options(output, previous_);
  pid_t process = 0;
  require(posix_spawn(&process, "/proc/self/exe", options.actions(), options.attributes(),
                      pointers_to(words).data(), pointers_to(environment).data()),
          output.string());
  running_.push_back({.process = process, .number = number, .clock = Stopwatch()});
}

std::variant<Children::Ended, Children::Interrupted> Children::wait() {
  STERNA_CHECK(running_.size() > 0u);
  for (;;) {
    for (std::size_t i = 0; i < running_.size(); ++i) {
      int status = 0;
      if (::waitpid(running_[i].process, &status, WNOHANG) != running_[i].process) continue;
      const Child child = running_[i];
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      return Ended{.number = child.number, .status = exit_status(status), .seconds = child.clock.seconds()};
    }
    const int signal = sigwaitinfo(&signals_, nullptr);
    if (signal > 0 && signal != SIGCHLD) return Interrupted{signal};
  }
}

}  // namespace sterna::experiment
