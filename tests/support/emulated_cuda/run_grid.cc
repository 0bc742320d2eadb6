// The machine that emulated kernels run on.
//
// The threads of a block are stacks that the scheduler jumps between: setjmp, unlike swapcontext,
// needs no system call, and there are millions of turns.
#include <setjmp.h>
#include <ucontext.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {
namespace {

constexpr std::size_t kStackBytes = 64 << 10;
constexpr int kMostThreads = 1024;
constexpr std::size_t kMostBlockMemory = 48 << 10;  // what a launch may ask for without more ado

enum class Waits { kNot, kForWarp, kForBlock, kIsDone };

struct Thread {
  jmp_buf at;
  std::unique_ptr<char[]> stack;  // null until its first turn
  Waits waits = Waits::kNot;
  int exchanges = 0;
};

struct Machine {
  jmp_buf scheduler;
  std::vector<Thread> threads = std::vector<Thread>(kMostThreads);
  int count = 0;
  int current = 0;
  const std::function<void()>* body = nullptr;
  std::vector<float> memory;
  float exchanged[kMostThreads / kWarp][2][kWarp];
};

Machine& TheMachine() {
  static Machine machine;
  return machine;
}

void Await(Waits what) {
  Machine& m = TheMachine();
  Thread& thread = m.threads[static_cast<std::size_t>(m.current)];
  thread.waits = what;
  if (_setjmp(thread.at) == 0) _longjmp(m.scheduler, 1);
}

// A thread's stack goes from block to block.
void Enter() {
  while (true) {
    (*TheMachine().body)();
    Await(Waits::kIsDone);
  }
}

[[gnu::noinline]] void GiveTurn(Thread& thread) {
  if (_setjmp(TheMachine().scheduler) != 0) return;
  if (thread.stack != nullptr) _longjmp(thread.at, 1);
  thread.stack.reset(new char[kStackBytes]);
  ucontext_t start;
  getcontext(&start);
  start.uc_stack.ss_sp = thread.stack.get();
  start.uc_stack.ss_size = kStackBytes;
  makecontext(&start, Enter, 0);
  setcontext(&start);
}

// Whether all of the threads [begin, end) that are not done wait for this; if so they go on.
bool Release(int begin, int end, Waits what) {
  Machine& m = TheMachine();
  bool any = false;
  for (int i = begin; i < end; ++i) {
    const Waits waits = m.threads[static_cast<std::size_t>(i)].waits;
    if (waits == Waits::kIsDone) continue;
    if (waits != what) return false;
    any = true;
  }
  for (int i = begin; any && i < end; ++i) {
    Waits& waits = m.threads[static_cast<std::size_t>(i)].waits;
    if (waits == what) waits = Waits::kNot;
  }
  return any;
}

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "emulated kernel: %s\n", what);
  std::abort();
}

void RunBlock() {
  Machine& m = TheMachine();
  for (int i = 0; i < m.count; ++i) {
    Thread& thread = m.threads[static_cast<std::size_t>(i)];
    thread.waits = Waits::kNot;
    thread.exchanges = 0;
  }
  for (bool alive = true, went_on = true; alive;) {
    if (!went_on) Fail("threads wait for different barriers");
    alive = went_on = false;
    for (m.current = 0; m.current < m.count; ++m.current) {
      Thread& thread = m.threads[static_cast<std::size_t>(m.current)];
      if (thread.waits == Waits::kNot) {
        threadIdx.x = static_cast<unsigned>(m.current);
        GiveTurn(thread);
        went_on = true;
      }
      alive = alive || thread.waits != Waits::kIsDone;
    }
    for (int begin = 0; begin < m.count; begin += kWarp) {
      went_on = Release(begin, begin + kWarp, Waits::kForWarp) || went_on;
    }
    went_on = Release(0, m.count, Waits::kForBlock) || went_on;
  }
}

}  // namespace

void AwaitWarp() { Await(Waits::kForWarp); }
void AwaitBlock() { Await(Waits::kForBlock); }

const float* Exchange(float value) {
  Machine& m = TheMachine();
  const int self = m.current;
  // Two boards in turns: a thread that is ahead does not write where another still reads.
  float* board =
      m.exchanged[self / kWarp][m.threads[static_cast<std::size_t>(self)].exchanges++ % 2];
  board[self % kWarp] = value;
  AwaitWarp();
  return board;
}

float* BlockMemory() { return TheMachine().memory.data(); }

void LoseDevice(bool lost) { emulated_error = lost ? cudaErrorLaunchFailure : cudaSuccess; }
void LeaveMemory(std::size_t bytes) { emulated_free_bytes = bytes; }

void RunGrid(dim3 grid, int threads, std::size_t block_memory,
             const std::function<void()>& thread) {
  Machine& m = TheMachine();
  if (threads % kWarp != 0 || threads > kMostThreads) Fail("wrong number of threads");
  if (grid.y > 65535 || grid.z > 65535) Fail("grid too large");
  if (block_memory > kMostBlockMemory) Fail("too much memory for a block");
  m.count = threads;
  m.body = &thread;
  gridDim = grid;
  blockDim = dim3(static_cast<unsigned>(threads));
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = dim3(x, y, z);
        m.memory.assign(block_memory / sizeof(float), NAN);
        RunBlock();
      }
    }
  }
}

}  // namespace citeseek::inference::cuda
