#include "inference/batch/scheduler.h"

#include <algorithm>
#include <numeric>

namespace citeseek::inference {
namespace {

int BlocksFor(int tokens) { return (tokens + kKvBlock - 1) / kKvBlock; }

bool Before(const Sequence* a, const Sequence* b) {
  return a->priority != b->priority ? a->priority < b->priority : a->number < b->number;
}

void Insert(std::vector<Sequence*>& list, Sequence& sequence) {
  list.insert(std::upper_bound(list.begin(), list.end(), &sequence, Before), &sequence);
}

int CountOf(const std::vector<Sequence*>& list, Priority priority) {
  return static_cast<int>(std::count_if(
      list.begin(), list.end(), [&](const Sequence* s) { return s->priority == priority; }));
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), blocks_(limits.blocks) {}

void Scheduler::Add(Sequence& sequence) {
  sequence.number = ++arrivals_;
  Insert(waiting_, sequence);
}

void Scheduler::Remove(Sequence& sequence) {
  blocks_.Release(sequence.blocks);
  sequence.blocks.clear();
  sequence.contents.clear();
  std::erase(running_, &sequence);
  std::erase(waiting_, &sequence);
}

int Scheduler::waiting(Priority priority) const { return CountOf(waiting_, priority); }

int Scheduler::running(Priority priority) const { return CountOf(running_, priority); }

int Scheduler::Pending() const {
  const auto add = [](int sum, const Sequence* s) { return sum + s->Left() - s->drafted; };
  const int all = std::accumulate(running_.begin(), running_.end(), 0, add);
  return std::min(limits_.step_tokens, std::accumulate(waiting_.begin(), waiting_.end(), all, add));
}

std::int64_t Scheduler::preemptions() const {
  return std::accumulate(preemptions_.begin(), preemptions_.end(), std::int64_t{0});
}

void Scheduler::Preempt(Step& step, Sequence& sequence) {
  const auto part = std::find_if(step.parts.begin(), step.parts.end(),
                                 [&](const StepPart& p) { return p.sequence == &sequence; });
  if (part != step.parts.end()) {
    step.budget += part->tokens;
    step.parts.erase(part);
  }
  Remove(sequence);
  DropDraft(sequence);
  sequence.computed = 0;
  sequence.decoding = false;
  Insert(waiting_, sequence);
  ++preemptions_[static_cast<std::size_t>(sequence.priority)];
}

// Blocks for the sequence's next tokens; those behind it make way. False if it had to itself.
bool Scheduler::MakeRoom(Step& step, Sequence& sequence, int tokens) {
  const int needed = BlocksFor(sequence.computed + tokens);
  while (static_cast<int>(sequence.blocks.size()) < needed) {
    if (const auto block = blocks_.Take(); block.has_value()) {
      sequence.blocks.push_back(*block);
      continue;
    }
    Sequence* const last = running_.back();
    Preempt(step, *last);
    if (last == &sequence) return false;
  }
  return true;
}

// The sequence's next tokens, as many as fit, with as much of its draft as costs nobody a block.
void Scheduler::Include(Step& step, Sequence& sequence) {
  const int sure = sequence.Left() - sequence.drafted;
  const int tokens = std::min(step.budget, sure);
  if (tokens == 0 || !MakeRoom(step, sequence, tokens)) return;
  StepPart part = {.sequence = &sequence, .tokens = tokens, .samples = tokens == sure};
  if (part.samples) {
    int draft = std::min(step.budget - tokens, sequence.drafted);
    while (static_cast<int>(sequence.blocks.size()) <
           BlocksFor(sequence.computed + tokens + draft)) {
      const auto block = blocks_.Take();
      if (!block.has_value()) {
        draft = static_cast<int>(sequence.blocks.size()) * kKvBlock - sequence.computed - tokens;
        break;
      }
      sequence.blocks.push_back(*block);
    }
    part.draft = draft;
    part.tokens += draft;
  }
  step.budget -= part.tokens;
  step.parts.push_back(part);
}

// Takes the cached beginning and moves the sequence in, if its whole prompt finds room; only
// sequences of lower priorities are pushed out for that, and only if it helps.
bool Scheduler::Start(Step& step, Sequence& sequence) {
  // At least one token is computed, for its logits.
  const auto sharable = std::span(sequence.ids).first(sequence.ids.size() - 1);
  CachedPrefix prefix = blocks_.Match(sharable, sequence.root);
  const int needed =
      BlocksFor(static_cast<int>(sequence.ids.size())) - static_cast<int>(prefix.blocks.size());
  const auto lower = [&](const Sequence* other) { return other->priority > sequence.priority; };
  int slots = limits_.max_running - running();
  int blocks = blocks_.free();
  for (const Sequence* other : running_) {
    if (!lower(other)) continue;
    ++slots;
    blocks += static_cast<int>(other->blocks.size());
  }
  const bool worth = slots > 0 && blocks >= needed;
  const auto fits = [&] { return running() < limits_.max_running && needed <= blocks_.free(); };
  while (worth && !fits() && !running_.empty() && lower(running_.back())) {
    Preempt(step, *running_.back());
  }
  if (!fits()) {
    blocks_.Release(prefix.blocks);
    return false;
  }
  sequence.computed = static_cast<int>(prefix.blocks.size()) * kKvBlock;
  if (!sequence.started) sequence.cached = sequence.computed;
  sequence.started = true;
  sequence.blocks = std::move(prefix.blocks);
  sequence.contents = std::move(prefix.contents);
  std::erase(waiting_, &sequence);
  Insert(running_, sequence);
  return true;
}

std::vector<StepPart> Scheduler::Plan() {
  Step step = {.parts = {}, .budget = limits_.step_tokens};
  const std::int64_t preemptions_before = preemptions();
  // Those that decode keep their pace; then prompts. Whoever makes way on the way leaves running_
  // behind the one at hand, or is that one itself.
  for (const bool decoding : {true, false}) {
    for (std::size_t i = 0; i < running_.size(); ++i) {
      if (running_[i]->decoding == decoding) Include(step, *running_[i]);
    }
  }
  // Who has just made way would only be pushed out again.
  if (preemptions() != preemptions_before) return std::move(step.parts);
  while (!waiting_.empty() && step.budget > 0) {
    Sequence& sequence = *waiting_.front();
    if (!Start(step, sequence)) break;
    Include(step, sequence);
  }
  return std::move(step.parts);
}

void Scheduler::Commit(std::span<const StepPart> parts) {
  for (const StepPart& part : parts) {
    Sequence& sequence = *part.sequence;
    sequence.computed += part.tokens;
    sequence.decoding = part.samples;
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
