// Scheduler: turns waiting and running sequences into the next step's tokens, and gives them
// blocks.
//
// Single-threaded. Older sequences go first: every running sequence decodes in every step, prompts
// fill what is left of the step's token budget, in chunks. When blocks run out the youngest running
// sequence gives its own up and waits; it is computed again later (Kwon et al. 2023).
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "inference/batch/kv_blocks.h"

namespace citeseek::inference {

// One sequence on its way through the engine.
struct Sequence {
  std::vector<std::int32_t> ids;  // the prompt, then what was generated
  int prompt_length = 0;
  BlockContent root = 0;  // sequences of different roots share no blocks

  // The scheduler's.
  int computed = 0;  // tokens whose keys and values are in the cache
  int cached = 0;    // of the prompt, those found there at first
  bool started = false;
  bool decoding = false;  // all its tokens were computed; the few that are left came after that
  std::vector<std::int32_t> blocks;
  std::vector<BlockContent> contents;  // of the full blocks

  int Left() const { return static_cast<int>(ids.size()) - computed; }
};

struct SchedulerLimits {
  int step_tokens = 512;  // in one step
  int max_running = 32;
  int blocks = 1024;
};

struct StepPart {
  Sequence* sequence = nullptr;
  int tokens = 0;        // its next ones
  bool samples = false;  // they are its last: a new token follows
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerLimits& limits);

  // The caller owns the sequence and keeps it until Remove. It must fit all the blocks alone.
  void Add(Sequence& sequence);
  // Frees its blocks at once. Not between Plan and Commit.
  void Remove(Sequence& sequence);

  // What to compute next; empty if there is nothing.
  std::vector<StepPart> Plan();
  // The parts were computed. New tokens are appended to Sequence::ids after this.
  void Commit(std::span<const StepPart> parts);

  int waiting() const { return static_cast<int>(waiting_.size()); }
  int running() const { return static_cast<int>(running_.size()); }
  std::int64_t preemptions() const { return preemptions_; }
  const KvBlocks& blocks() const { return blocks_; }

 private:
  bool MakeRoom(Sequence& sequence, int tokens);
  void Preempt(Sequence& sequence);
  bool Start(Sequence& sequence);

  const SchedulerLimits limits_;
  KvBlocks blocks_;
  std::deque<Sequence*> waiting_;   // oldest first
  std::vector<Sequence*> running_;  // oldest first
  std::int64_t preemptions_ = 0;
};

}  // namespace citeseek::inference
