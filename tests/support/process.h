// Process: runs the real citeseek binary in tests.
//
// $CITESEEK_HOME and the working directory of the children are empty temporary folders, so that no
// test sees the user's data. Single-threaded.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace citeseek::testing {

struct Output {
  int exit_code = -1;  // 128 + signal if it was killed
  std::string out;
  std::string err;
};

// Runs `citeseek arguments...` to its end, at most 100 s.
Output RunCiteseek(const std::vector<std::string>& arguments, const std::string& input = "");

// A citeseek server process; killed, if it still runs, when the object dies.
class ServerProcess {
 public:
  // Returns once the first line of output, {"address": ...}, has come, or the process has ended;
  // at once if not `await_line`.
  explicit ServerProcess(const std::vector<std::string>& arguments, bool await_line = true);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }  // empty: it did not start
  const std::string& first_line() const { return first_line_; }
  bool running();
  pid_t pid() const { return pid_; }
  // Sends the signal, waits for the end and returns the exit code (128 + signal if killed by it).
  int Kill(int signal);
  // What it has written to stderr so far.
  std::string Errors() const;

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string errors_file_;
  std::string first_line_;
  std::string address_;
};

}  // namespace citeseek::testing
