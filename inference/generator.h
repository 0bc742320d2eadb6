// Generator: turns a chat prompt into streamed text.
//
// Thread-safe; concurrent calls are batched by the implementation's own thread.
// Errors: kInvalidArgument (empty prompt, sampling out of range), kFailedPrecondition (no model is
// loaded), kResourceExhausted (queue full), kDeadlineExceeded, kCancelled, kUnavailable (the model
// server cannot be reached).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace citeseek::inference {

enum class Role { kSystem, kUser, kAssistant };

struct Message {
  Role role = Role::kUser;
  std::string text;  // UTF-8; never parsed for special tokens
};

struct Sampling {
  // nullopt: what the model's own files recommend, else the value in brackets.
  std::optional<double> temperature = {};         // 0: greedy (0.6)
  std::optional<double> top_p = {};               // (0, 1] (0.95)
  std::optional<int> top_k = {};                  // 0: off (0)
  std::optional<double> min_p = {};               // [0, 1) (0)
  std::optional<double> repetition_penalty = {};  // 1: off (1)
  double presence_penalty = 0.0;                  // [-2, 2], of tokens that were generated
  double frequency_penalty = 0.0;                 // [-2, 2], the same for each time
  std::uint64_t seed = 0;                         // 0: the implementation's choice
  int max_tokens = 2048;                          // of text and thought together
  int thinking_budget_tokens = 0;                 // 0: no limit of its own
  std::vector<std::string> stop_strings;          // the text (not the thought) ends before them
};

// Whose turn it is when there is not room for all: interactive calls start before batch calls and
// push them out; within a priority the older call goes first.
enum class Priority { kInteractive, kBatch };
inline constexpr std::size_t kPriorities = 2;

struct GenerateRequest {
  std::vector<Message> messages;
  Sampling sampling = {};
  bool thinking = true;  // false: ask the model not to think first, where it can
  Priority priority = Priority::kInteractive;
  // Sources that the answer may cite, numbered from 1, at most 999: where the implementation can do
  // that, a marker such as [n] names one of them. 0: markers are text as any other.
  int sources = 0;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
  // Requested from any thread: the model ends its thought at once and goes on with the answer,
  // where the implementation can do that.
  std::stop_token answer_now = {};
};

// A piece is whole UTF-8. kThought only where the implementation itself tells thoughts from text:
// its first piece is then a thought, an empty one if there is none. Otherwise text may hold <think>
// tags, which the gateway splits off.
struct Piece {
  enum class Kind { kText, kThought };
  Kind kind = Kind::kText;
  std::string text;
};

// Called in order on the thread that called Generate. A slow sink slows only its own call.
// Returning false cancels: Generate returns kCancelled.
using PieceSink = std::function<bool(const Piece&)>;

enum class FinishReason { kStop, kLength };

struct Finish {
  FinishReason reason = FinishReason::kStop;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of prompt_tokens, those taken from the prefix cache
  std::int64_t completion_tokens = 0;
  std::string model;
  // Where the implementation tells: completion_tokens came out of so many steps, with drafts.
  std::int64_t steps = 0;
  std::int64_t drafted_tokens = 0;   // guessed beforehand and checked
  std::int64_t accepted_tokens = 0;  // of drafted_tokens, those that were right
  std::string model_hash = {};       // of the weights as they are stored; empty: it is not known
};

class Generator {
 public:
  virtual ~Generator() = default;

  // Returns when the last piece has been delivered. Cancelling frees the slot within one step.
  virtual absl::StatusOr<Finish> Generate(const GenerateRequest& request,
                                          const PieceSink& sink) = 0;

  // Whether it keeps a thinking budget and `answer_now` itself. Where not, whoever called can only
  // cancel and ask again without thoughts.
  virtual bool EndsThoughts() const { return false; }
};

}  // namespace citeseek::inference
