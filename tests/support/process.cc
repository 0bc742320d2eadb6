#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

// One for the whole test program.
const TempDirectory& Home() {
  static const TempDirectory home;
  return home;
}

std::string NewFile(const char* name) {
  static int number = 0;
  return (Home().path() / (name + std::to_string(number++))).string();
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// stdout goes to `out`: a descriptor, or, if negative, the file `out_file`.
pid_t Spawn(const std::vector<std::string>& arguments, const std::string& in_file, int out,
            const std::string& out_file, const std::string& err_file) {
  const std::string home = (Home().path() / "home").string();
  setenv("CITESEEK_HOME", home.c_str(), 1);
  std::vector<std::string> all = {CITESEEK_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 0, in_file.c_str(), O_RDONLY, 0);
  if (out >= 0) {
    posix_spawn_file_actions_adddup2(&actions, out, 1);
  } else {
    posix_spawn_file_actions_addopen(&actions, 1, out_file.c_str(), kWrite, 0600);
  }
  posix_spawn_file_actions_addopen(&actions, 2, err_file.c_str(), kWrite, 0600);
  pid_t pid = -1;
  const int code = posix_spawn(&pid, CITESEEK_BINARY, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) throw std::runtime_error(std::string("cannot run ") + CITESEEK_BINARY);
  return pid;
}

int Await(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Output RunCiteseek(const std::vector<std::string>& arguments, const std::string& input) {
  const std::string in = NewFile("in"), out = NewFile("out"), err = NewFile("err");
  std::ofstream(in, std::ios::binary) << input;
  const pid_t pid = Spawn(arguments, in, -1, out, err);
  return {Await(pid), ReadAll(out), ReadAll(err)};
}

ServerProcess::ServerProcess(const std::vector<std::string>& arguments, bool await_line)
    : errors_file_(NewFile("err")) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = Spawn(arguments, "/dev/null", ends[1], "", errors_file_);
  close(ends[1]);
  output_ = ends[0];
  if (!await_line) return;
  std::string& line = first_line_;
  for (char c = 0; read(output_, &c, 1) == 1 && c != '\n';) line += c;
  constexpr char kKey[] = "\"address\":\"";
  if (const std::size_t at = line.find(kKey); at != std::string::npos) {
    const std::size_t start = at + sizeof(kKey) - 1;
    address_ = line.substr(start, line.find('"', start) - start);
  }
}

ServerProcess::~ServerProcess() {
  Kill(SIGKILL);
  close(output_);
}

bool ServerProcess::running() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

int ServerProcess::Kill(int signal) {
  if (pid_ <= 0) return -1;
  kill(pid_, signal);
  const int code = Await(pid_);
  pid_ = -1;
  return code;
}

std::string ServerProcess::Errors() const { return ReadAll(errors_file_); }

}  // namespace citeseek::testing
