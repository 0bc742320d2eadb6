// crash_test WRITER [ROUNDS [SEED]]: kills a writing process at random moments, round after round
// on one directory, and proves each time that nothing acknowledged is lost and nothing deleted is
// back: by CheckIndex, by Get, and in the snapshot after a Commit.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "indexer/snapshot.h"
#include "tests/crash/crash_common.h"
#include "tests/support/temp_directory.h"

namespace citeseek::indexer {
namespace {

using State = std::map<std::string, unsigned long>;  // key -> number; missing: no document

[[noreturn]] void Fail(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  std::exit(1);
}

struct Call {
  State before;
  State after;
};

// What the documents must be after a round: `acknowledged`, but for the last call of each thread,
// which may have happened or not.
struct Told {
  State acknowledged;
  std::map<std::string, Call> unfinished;  // by thread; the keys of the call alone
  int calls = 0;
};

// Starts the writer, kills it a little after it has said so many lines (0: after its start), and
// gives all it said.
std::string RunAndKill(const std::string& writer, const std::string& directory, unsigned seed,
                       long lines, std::chrono::microseconds after) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) Fail("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::string number = std::to_string(seed);
  char* argv[] = {const_cast<char*>(writer.c_str()), const_cast<char*>(directory.c_str()),
                  number.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, writer.c_str(), &actions, nullptr, argv, environ) != 0) {
    Fail("cannot start " + writer);
  }
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  std::jthread killer;
  const auto kill_later = [&] {
    if (killer.joinable()) return;
    killer = std::jthread([child, after] {
      std::this_thread::sleep_for(after);
      ::kill(child, SIGKILL);
    });
  };
  if (lines == 0) kill_later();
  std::string said;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(pipe[0], buffer, sizeof(buffer))) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
    if (std::ranges::count(said, '\n') >= lines) kill_later();
  }
  ::close(pipe[0]);
  kill_later();  // it may have ended by itself, which is a failure
  killer.join();
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) Fail("the writer ended by itself");
  return said;
}

Told Replay(const std::string& said, State state) {
  Told told;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::string thread;
    words >> word >> thread;
    if (word == "begin") {
      Call call;
      words >> word;
      while (words >> word) {
        const std::string key = word.substr(0, word.find('='));
        const unsigned long number = std::stoul(word.substr(word.find('=') + 1));
        if (const auto old = state.find(key); old != state.end()) call.before[key] = old->second;
        call.after[key] = number;
      }
      told.unfinished[thread] = call;
    } else {
      const Call& call = told.unfinished.at(thread);
      for (const auto& [key, number] : call.after) {
        if (number == 0) {
          state.erase(key);
        } else {
          state[key] = number;
        }
      }
      told.unfinished.erase(thread);
      ++told.calls;
    }
  }
  told.acknowledged = std::move(state);
  return told;
}

unsigned long NumberIn(const std::string& text) {
  unsigned long number = 0;
  if (std::sscanf(text.c_str(), "number %lu fox.", &number) != 1 || TextOf(number) != text) {
    Fail("a text is not one that was written: " + text);
  }
  return number;
}

State ReadAll(Indexer& indexer) {
  State state;
  for (int t = 0; t < kThreads; ++t) {
    for (int k = 0; k < kKeys; ++k) {
      const std::string key = KeyName(t, k);
      const auto stored = indexer.Get({.key = {key, ""}});
      if (stored.ok()) {
        state[key] = NumberIn(stored->document.text);
      } else if (!absl::IsNotFound(stored.status())) {
        Fail("get: " + stored.status().ToString());
      }
    }
  }
  return state;
}

State ReadSnapshot(const Snapshot& snapshot) {
  State state;
  for (const auto& segment : snapshot.segments()) {
    for (std::uint32_t d = 0; d < segment->document_count(); ++d) {
      if (!segment->IsLive(segment->FirstPassage(d))) continue;
      const auto stored = segment->document(d);
      if (!stored.ok()) Fail("document: " + stored.status().ToString());
      if (!state.emplace(stored->document.id, NumberIn(stored->document.text)).second) {
        Fail("document " + stored->document.id + " is live twice");
      }
    }
  }
  return state;
}

State Only(const State& state, const State& keys) {
  State only;
  for (const auto& [key, unused] : keys) {
    if (const auto found = state.find(key); found != state.end()) only[key] = found->second;
  }
  return only;
}

// Fails unless the documents are as told.
void Compare(const State& found, const Told& told) {
  State expected = told.acknowledged;
  for (const auto& [thread, call] : told.unfinished) {
    State after = call.after;
    std::erase_if(after, [](const auto& entry) { return entry.second == 0; });
    const State now = Only(found, call.after);
    if (now != call.before && now != after) {
      Fail("the unfinished call of thread " + thread + " has happened in part");
    }
    for (const auto& [key, unused] : call.after) expected.erase(key);
    expected.insert(now.begin(), now.end());
  }
  for (const auto& [key, number] : expected) {
    const auto entry = found.find(key);
    if (entry == found.end()) Fail("document " + key + " is lost");
    if (entry->second != number) Fail("document " + key + " has another version");
  }
  for (const auto& [key, number] : found) {
    if (!expected.contains(key)) Fail("document " + key + " is back");
  }
}

int Run(const std::string& writer, int rounds, unsigned seed) {
  const TempDirectory directory;
  CrashIndex index(directory.path() / "index");
  std::mt19937 random(seed);
  State state;
  int calls = 0;
  std::printf("crash_test: %d rounds, seed %u\n", rounds, seed);
  for (int round = 0; round < rounds; ++round) {
    // Every fourth dies while it starts and recovers, the others in the middle of the rest.
    const long lines = round % 4 == 0 ? 0 : static_cast<long>(random() % 120);
    const std::chrono::microseconds after(random() % (lines == 0 ? 40'000 : 4'000));
    const std::string said =
        RunAndKill(writer, index.options.directory, random() & 0xFFFFFF, lines, after);
    const Told told = Replay(said, state);
    calls += told.calls;
    const auto report = CheckIndex(index.options.directory);
    if (!report.ok() && !absl::IsNotFound(report.status())) {
      Fail("round " + std::to_string(round) + ": " + report.status().ToString());
    }
    auto indexer = OpenIndexer(index.options);
    if (!indexer.ok()) Fail("open: " + indexer.status().ToString());
    state = ReadAll(**indexer);
    Compare(state, told);
    const auto generation = (*indexer)->Commit({});
    if (!generation.ok()) Fail("commit: " + generation.status().ToString());
    const auto source = OpenSnapshotSource(index.options.directory);
    if (!source.ok()) Fail("snapshot: " + source.status().ToString());
    if (ReadSnapshot(**(*source)->Latest()) != state) Fail("the snapshot shows other documents");
    if (ReadAll(**indexer) != state) Fail("the commit has changed documents");
  }
  const auto report = CheckIndex(index.options.directory);
  if (!report.ok()) Fail(report.status().ToString());
  std::printf("crash_test: %d acknowledged calls, generation %lu: nothing lost, nothing back\n",
              calls, static_cast<unsigned long>(report->generation));
  return calls > rounds ? 0 : 1;  // a writer that gets nothing done proves nothing
}

}  // namespace
}  // namespace citeseek::indexer

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  return citeseek::indexer::Run(argv[1], argc > 2 ? std::atoi(argv[2]) : 100,
                                argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1);
}
