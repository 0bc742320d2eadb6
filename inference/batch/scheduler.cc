#include "inference/batch/scheduler.h"

#include <algorithm>

namespace citeseek::inference {
namespace {

int BlocksFor(int tokens) { return (tokens + kKvBlock - 1) / kKvBlock; }

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), blocks_(limits.blocks) {}

void Scheduler::Add(Sequence& sequence) { waiting_.push_back(&sequence); }

void Scheduler::Remove(Sequence& sequence) {
  blocks_.Release(sequence.blocks);
  sequence.blocks.clear();
  sequence.contents.clear();
  std::erase(running_, &sequence);
  std::erase(waiting_, &sequence);
}

void Scheduler::Preempt(Sequence& sequence) {
  Remove(sequence);
  sequence.computed = 0;
  sequence.decoding = false;
  waiting_.push_front(&sequence);
  ++preemptions_;
}

// Blocks for the sequence's next tokens; younger sequences make way. False if it had to itself.
bool Scheduler::MakeRoom(Sequence& sequence, int tokens) {
  const int needed = BlocksFor(sequence.computed + tokens);
  while (static_cast<int>(sequence.blocks.size()) < needed) {
    if (const auto block = blocks_.Take(); block.has_value()) {
      sequence.blocks.push_back(*block);
      continue;
    }
    Sequence* const youngest = running_.back();
    Preempt(*youngest);
    if (youngest == &sequence) return false;
  }
  return true;
}

// Takes the cached beginning and moves the sequence in, if its whole prompt finds room without
// pushing anybody out.
bool Scheduler::Start(Sequence& sequence) {
  // At least one token is computed, for its logits.
  const auto sharable = std::span(sequence.ids).first(sequence.ids.size() - 1);
  CachedPrefix prefix = blocks_.Match(sharable, sequence.root);
  const int needed =
      BlocksFor(static_cast<int>(sequence.ids.size())) - static_cast<int>(prefix.blocks.size());
  if (needed > blocks_.free()) {
    blocks_.Release(prefix.blocks);
    return false;
  }
  sequence.computed = static_cast<int>(prefix.blocks.size()) * kKvBlock;
  if (!sequence.started) sequence.cached = sequence.computed;
  sequence.started = true;
  sequence.blocks = std::move(prefix.blocks);
  sequence.contents = std::move(prefix.contents);
  running_.push_back(&sequence);
  return true;
}

std::vector<StepPart> Scheduler::Plan() {
  std::vector<StepPart> parts;
  int budget = limits_.step_tokens;
  const std::int64_t preemptions_before = preemptions_;
  // Room is made at the cost of younger sequences, which have no part yet: only the youngest can
  // be in the middle of its prompt, because the next one starts when a prompt is through.
  const auto add = [&](Sequence& sequence) {
    const int tokens = std::min(budget, sequence.Left());
    if (tokens == 0 || !MakeRoom(sequence, tokens)) return;
    parts.push_back({&sequence, tokens, tokens == sequence.Left()});
    budget -= tokens;
  };
  // Those that decode keep their pace; then prompts, oldest first.
  for (const bool decoding : {true, false}) {
    for (std::size_t i = 0; i < running_.size(); ++i) {
      if (running_[i]->decoding == decoding) add(*running_[i]);
    }
  }
  // Who has just made way would only be pushed out again.
  if (preemptions_ != preemptions_before) return parts;
  while (!waiting_.empty() && budget > 0 && running() < limits_.max_running) {
    Sequence& sequence = *waiting_.front();
    if (!Start(sequence)) break;
    waiting_.pop_front();
    add(sequence);
  }
  return parts;
}

void Scheduler::Commit(std::span<const StepPart> parts) {
  for (const StepPart& part : parts) {
    Sequence& sequence = *part.sequence;
    sequence.computed += part.tokens;
    sequence.decoding = sequence.Left() == 0;
    const auto full = static_cast<std::size_t>(sequence.computed / kKvBlock);
    while (sequence.contents.size() < full) {
      const std::size_t i = sequence.contents.size();
      const BlockContent parent = i == 0 ? sequence.root : sequence.contents.back();
      sequence.contents.push_back(blocks_.Publish(
          sequence.blocks[i], parent, std::span(sequence.ids).subspan(i * kKvBlock, kKvBlock)));
    }
  }
}

}  // namespace citeseek::inference
