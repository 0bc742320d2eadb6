// Scheduler: turns waiting and running sequences into the next step's tokens, and gives them
// blocks.
//
// Single-threaded. Sequences have an order: by priority, then by age. In every step all running
// sequences decode, prompts fill what is left of the step's token budget, in chunks. When blocks
// run out the last sequence in the order gives its own up and waits; it is computed again later
// (Kwon et al. 2023). A waiting sequence also pushes out running ones of a lower priority.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "inference/batch/kv_blocks.h"
#include "inference/generator.h"

namespace citeseek::inference {

// One sequence on its way through the engine.
struct Sequence {
  std::vector<std::int32_t> ids;  // the prompt, what was generated, then the draft
  int prompt_length = 0;
  BlockContent root = 0;  // sequences of different roots share no blocks
  Priority priority = Priority::kInteractive;
  int drafted = 0;  // so many of the last ids are but a guess, to be checked

  // The scheduler's.
  std::int64_t number = 0;  // in order of arrival
  int computed = 0;         // tokens whose keys and values are in the cache
  int cached = 0;           // of the prompt, those found there at first
  bool started = false;
  bool decoding = false;  // all its tokens were computed; the few that are left came after that
  std::vector<std::int32_t> blocks;
  std::vector<BlockContent> contents;  // of the full blocks

  int Left() const { return static_cast<int>(ids.size()) - computed; }
};

inline void DropDraft(Sequence& sequence) {
  sequence.ids.resize(sequence.ids.size() - static_cast<std::size_t>(sequence.drafted));
  sequence.drafted = 0;
}

struct SchedulerLimits {
  int step_tokens = 512;  // in one step
  int max_running = 32;
  int blocks = 1024;
};

struct StepPart {
  Sequence* sequence = nullptr;
  int tokens = 0;        // its next ones
  int draft = 0;         // of these, the last so many are of the draft
  bool samples = false;  // what is sure of it ends here: a new token follows
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
  // The parts were computed. Before this, what was rejected of a draft is taken from
  // StepPart::tokens and from Sequence::ids; what was accepted stays. New tokens may follow it.
  void Commit(std::span<const StepPart> parts);

  int waiting() const { return static_cast<int>(waiting_.size()); }
  int running() const { return static_cast<int>(running_.size()); }
  int waiting(Priority priority) const;
  int running(Priority priority) const;
  // Tokens that the next step has to compute for certain.
  int Pending() const;
  std::int64_t preemptions() const;
  std::int64_t preemptions(Priority priority) const {
    return preemptions_[static_cast<std::size_t>(priority)];
  }
  const KvBlocks& blocks() const { return blocks_; }

 private:
  // What is planned of a step.
  struct Step {
    std::vector<StepPart> parts;
    int budget = 0;
  };

  void Include(Step& step, Sequence& sequence);
  bool MakeRoom(Step& step, Sequence& sequence, int tokens);
  void Preempt(Step& step, Sequence& sequence);
  bool Start(Step& step, Sequence& sequence);

  const SchedulerLimits limits_;
  KvBlocks blocks_;
  std::vector<Sequence*> waiting_;  // both in order
  std::vector<Sequence*> running_;
  std::int64_t arrivals_ = 0;
  std::array<std::int64_t, kPriorities> preemptions_ = {};
};

}  // namespace citeseek::inference
