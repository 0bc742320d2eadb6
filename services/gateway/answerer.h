// Answerer: turns one question into one cited answer, told as a stream of events.
//
// Thread-safe. Knows neither gRPC nor HTTP, nor whether its parts are local. The Answer's text is
// the concatenation of the answer deltas. Errors: kInvalidArgument (empty question, longer than
// retrieval::kMaxQueryBytes, not UTF-8, top_k out of range), kDeadlineExceeded, kCancelled, and
// what retrieval returns. A model that fails is not an error: the answer falls to the next mode and
// the receipt says why.
//
// Every sentence of an answer that states a fact is checked against the passages before its
// citations go out: a marker of a passage that does not say it is moved to one that does, or
// dropped, and the CheckedSentence that follows says so.
//
// A question of a conversation may leave out what the turns before have said (see conversations.h).
// More errors then: kNotFound (no such conversation), kAborted (it has a question running).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "indexer/analyzer.h"
#include "inference/generator.h"
#include "retrieval/retriever.h"
#include "services/gateway/meaning.h"

namespace citeseek::gateway {

inline constexpr int kMaxThinkingBudget = 1 << 20;
inline constexpr std::uint64_t kMaxSeed = 0x7FFFFFFF;  // what every model server takes
inline constexpr std::size_t kMaxRequestIdBytes = 64;
inline constexpr int kMaxAnswerTokens = 1 << 17;
inline constexpr std::size_t kMaxStops = 4;
inline constexpr std::size_t kMaxStopBytes = 1024;

// kAuto: deep if a model can be had, else extract.
enum class Mode { kAuto, kExtract, kQuick, kDeep };

// How much work an answer may be, the most first: a model that thinks as long as it likes, one that
// thinks shortly, one that does not think, the best sentences of the documents, the passages found.
enum class Rung { kFull, kShort, kQuick, kExtract, kResults };

enum class Verdict { kUnchecked, kSupported, kPartly, kUnsupported };

// What marker [number] stands for at one place of the answer. document text[start:end] == quote.
struct Citation {
  int marker = 0;  // 1..: number of the source
  std::string document_id;
  std::string collection;
  std::uint64_t version = 0;
  std::string title;
  std::string uri;
  std::uint32_t start = 0;  // bytes in the stored document text
  std::uint32_t end = 0;
  std::string quote;
  Verdict verdict = Verdict::kUnchecked;
  double score = 0;                // [0, 1]: how much of the sentence the quote carries
  std::uint32_t answer_start = 0;  // the cited sentence, bytes in the answer's text
  std::uint32_t answer_end = 0;
};

// A passage that was read, and the marker that stands for it.
struct Source {
  int marker = 0;
  retrieval::Place place;
};

// How a model draws its tokens, beside the seed. What is not said is the mode's choice.
struct Drawing {
  std::optional<double> temperature = {};  // [0, 2]; 0: always the likeliest token
  std::optional<double> top_p = {};        // [0, 1]
  double presence_penalty = 0;             // [-2, 2]
  double frequency_penalty = 0;            // [-2, 2]
  int max_tokens = 0;                      // of thought and answer, at most kMaxAnswerTokens
  std::vector<std::string> stop = {};      // the model's text ends before any of these

  bool operator==(const Drawing&) const = default;
};

// One question of a conversation and its answer, without thoughts.
struct Turn {
  int number = 0;  // from 1
  absl::Time asked = absl::UnixEpoch();
  std::string question;
  std::string rewritten;  // empty: the question stands alone
  // Where a source has been deleted or replaced since, what it carried is kWithheld instead.
  std::string answer;
  std::string reason;
  Mode mode = Mode::kExtract;
  // As the index shows them now. Of one whose document has been deleted or replaced since only the
  // marker is left.
  std::vector<Citation> citations = {};
  std::vector<Source> sources = {};  // the passages that are cited
};

inline constexpr char kWithheld[] = "[…]";

inline constexpr char kNewSession[] = "new";
inline constexpr std::size_t kMaxSessionBytes = 64;
// Of earlier turns at most so many, the newest, of at most so many bytes, are read.
inline constexpr std::size_t kMaxHistoryTurns = 16;
inline constexpr std::size_t kMaxHistoryBytes = 64 << 10;

inline constexpr std::size_t kMaxGivenSources = 128;

// The markers that stand for hits: a source keeps its own as long as a conversation lasts.
using Numbering =
    std::function<absl::StatusOr<std::vector<int>>(const std::vector<retrieval::Hit>& hits)>;

struct Question {
  std::string text;  // UTF-8
  Mode mode = Mode::kAuto;
  int top_k = 8;  // passages read, in [1, 64]
  std::string collection;
  std::vector<retrieval::Filter> filters;
  std::uint64_t min_generation = 0;
  std::string caller;  // who asks, for taking turns; empty: nobody in particular
  // Whose conversations they are, as the mouth has made sure; empty: of all who know their ids.
  std::string owner;
  // The conversation that this is a turn of: its id, or kNewSession to begin one. Empty: none, or
  // the one that `history` is.
  std::string session;
  std::vector<Turn> history = {};  // earlier turns, the oldest first; not with a session
  // Of an earlier answer's receipt: to be read too, under their markers; not with a session.
  std::vector<Source> sources = {};
  // What conversations.h makes of the two: the question as it stands alone, if it does not;
  // passages of the turn before to be read again; the markers.
  std::string rewritten;
  std::vector<retrieval::Hit> carried = {};
  Numbering numbering = {};  // none: 1, 2, ... as found
  // Names the call in logs, in its receipt, and to AnswerNow; empty: the answerer makes one up.
  std::string request_id;
  // Tokens of thought after which the model is made to answer; 0: no limit of the asker's.
  int thinking_budget = 0;
  // Requested from any thread: no more thought, the answer.
  std::stop_token answer_now = {};
  std::uint64_t seed = 0;   // of what the model draws, at most kMaxSeed; 0: made up
  Drawing drawing = {};     // of no effect where no model answers
  bool no_cache = false;    // made anew, even if the answer is known
  bool follow_ups = false;  // suggest further questions that the documents answer
  bool batch = false;       // nobody waits for it: it gives way to questions of people
  Rung rung = Rung::kFull;  // no more work than this, whatever the mode
  std::string lowered;      // why the rung is not kFull, for the receipt
  // What it took to decide when it is answered and how, waiting aside, for the receipt.
  absl::Duration admitted = absl::ZeroDuration();
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

// What the sources say to a sentence of an answer, or of a text under check.
struct CheckedSentence {
  std::uint32_t start = 0;  // bytes in the text, markers included
  std::uint32_t end = 0;
  Verdict verdict = Verdict::kUnchecked;  // of its best citation; unchecked: it states no fact
  double score = 0;                       // [0, 1]: how much of it that citation carries
  // What is not supported, and which markers were moved or dropped; English, for people.
  std::vector<std::string> problems;
};

// What became of a part of a question that asks several things, or of one searched for again.
struct PartFinding {
  std::string question;  // the part, as it stands alone
  int searches = 1;      // up to 3: those before found no evidence, or too little
  bool evidence = false;

  bool operator==(const PartFinding&) const = default;
};

// Whether the passages hold an answer, as far as can be told before it is written.
enum class Finding { kUntold, kEvidence, kNone };

struct Stage {
  std::string name;  // as docs/operations.md lists them: retrieve, generate, ...
  absl::Duration duration;
};

// What an answer was made of: with `question` to `filters`, `seed`, `drawing`, `thinking_budget`
// and `sources` it can be made again (see cli/replay.cc), of a conversation's with
// `rewritten_question`.
struct Receipt {
  std::string request_id;
  Mode asked_mode = Mode::kAuto;
  Mode mode = Mode::kExtract;  // the one that answered
  Rung rung = Rung::kExtract;  // and with how much work
  std::string degraded;        // empty, or why it is not the one asked for
  std::uint64_t generation = 0;
  std::string model;  // empty in extract mode
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  // Where the model tells: completion_tokens came out of so many steps, with drafts.
  std::int64_t steps = 0;
  std::int64_t drafted_tokens = 0;   // guessed beforehand, mostly out of the passages, and checked
  std::int64_t accepted_tokens = 0;  // of drafted_tokens, those that were right
  std::vector<Stage> stages;
  absl::Duration total;
  std::string session;             // empty: of no conversation
  int turn = 0;                    // of the session, from 1; 0: it is not kept
  std::string rewritten_question;  // empty: the question stands alone
  std::vector<Source> sources;     // the passages read, in their order
  std::string question;
  int top_k = 0;
  std::string collection;
  std::vector<retrieval::Filter> filters = {};
  std::string recipe;              // kRecipe; another one may read other passages
  std::uint64_t seed = 0;          // 0: no model drew
  Drawing drawing = {};            // as the model was told; empty: no model drew
  int thinking_budget = 0;         // the same
  std::string model_hash;          // of its weights; empty where the model's server does not tell
  std::string prompt_hash;         // of the prompt; empty: there was none
  std::string answer_hash;         // of the answer's text
  std::int64_t cached_tokens = 0;  // of prompt_tokens, those whose keys and values were reused
  bool cached = false;             // the answer is an earlier one, whose receipt this was
  Finding finding = Finding::kUntold;
  double confidence = 0;                // [0, 1]: that the passages hold an answer
  std::vector<PartFinding> parts = {};  // none: it was searched for once
};

// Names how passages are found, chosen and read: to be changed with any of it.
inline constexpr char kRecipe[] = "passages-3-per-document/search-again-2/extract-3";

struct Answer {
  std::string text;
  std::string thought;
  std::vector<Citation> citations;         // in order of appearance
  std::vector<CheckedSentence> sentences;  // those that state facts, in order
  std::string reason;  // "answered", "no_evidence", "length", "results", "overloaded"
  Receipt receipt;
  std::vector<std::string> follow_ups = {};
};

struct QueuedEvent {
  int place = 0;  // 0: running now
  absl::Duration eta;
  Rung rung = Rung::kFull;  // the most that the answer will be
  std::string request_id;
};
// Before SearchedEvent: each part of a question that asks several things is searched for, again
// where that brought no evidence, and then found or not. Of a question that is its only part, from
// its second search on.
struct PartEvent {
  enum class State { kSearching, kSearchingAgain, kEvidence, kNoEvidence };
  int part = 0;  // from 1
  int parts = 0;
  std::string question;  // the part, as it stands alone
  State state = State::kSearching;
};
struct SearchedEvent {
  std::vector<retrieval::Hit> hits;
  std::uint64_t generation = 0;
  std::vector<int> markers;        // of the hits; empty: 1, 2, ...
  std::string rewritten_question;  // what was searched for; empty: the question as it is
};
struct ThoughtEvent {
  std::string text;
};
struct AnswerEvent {
  std::string text;
};
struct CitationEvent {
  Citation citation;
};
struct CheckedEvent {  // after the citations of the sentence
  CheckedSentence sentence;
};
struct FollowUpsEvent {  // after the answer's text, if there are any
  std::vector<std::string> questions;
};
struct FinishedEvent {
  Answer answer;
};
using Event = std::variant<QueuedEvent, SearchedEvent, ThoughtEvent, AnswerEvent, CitationEvent,
                           CheckedEvent, FollowUpsEvent, FinishedEvent, PartEvent>;

// Called in order on the thread that called Ask. Returning false cancels.
using EventSink = std::function<bool(const Event&)>;

inline constexpr std::size_t kMaxCheckedBytes = 1 << 20;
inline constexpr std::size_t kMaxCheckedDocuments = 256;
inline constexpr std::size_t kMaxCheckedDocumentBytes = 16 << 20;  // all together

// A text of anybody's, to be checked sentence by sentence.
struct CheckRequest {
  std::string text;  // UTF-8, with or without markers [n]
  // What [n] stands for: documents[n - 1]. None: the index is searched, and [n] is line n of the
  // list of sources at the end of the text, if it has one.
  std::vector<indexer::Document> documents;
  std::string collection;
  std::vector<retrieval::Filter> filters;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct CheckReport {
  std::vector<CheckedSentence> sentences;  // all of the text, its list of sources excepted
  // Of the sentence whose start is answer_start. marker is 0 where none of the text stands for it.
  std::vector<Citation> citations;
};

inline constexpr int kMaxShownTurns = 200;

struct ConversationRequest {
  std::string owner;
  std::string session;  // of those that want one
  int before = 0;       // turns, or conversations in a list, before this one; 0: the newest
  int limit = 50;       // in [1, kMaxShownTurns]
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct Conversation {
  std::string session;
  std::string title;  // the first question, or its beginning
  absl::Time created;
  absl::Time updated;
  absl::Time expires;       // unless it goes on
  int turns = 0;            // kept of it
  std::vector<Turn> shown;  // the oldest first; none in a list
};

class Answerer {
 public:
  virtual ~Answerer() = default;
  virtual absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) = 0;
  // Errors: kInvalidArgument (empty, too long, not UTF-8), kDeadlineExceeded, kCancelled, and what
  // retrieval returns.
  virtual absl::StatusOr<CheckReport> Check(const CheckRequest& request) = 0;

  // Makes the running call of that request id stop thinking and answer; once more is no harm.
  // kNotFound if there is none.
  virtual absl::Status AnswerNow(const std::string& request_id);

  // Conversations. kNotFound: the owner has none of that id, or it has expired.
  // kFailedPrecondition: none are kept here. In a list the one that went on last comes first.
  virtual absl::StatusOr<Conversation> GetConversation(const ConversationRequest& request);
  virtual absl::StatusOr<std::vector<Conversation>> ListConversations(
      const ConversationRequest& request);
  // From its return on nothing of it is left.
  virtual absl::Status DeleteConversation(const ConversationRequest& request);
};

struct AnswererOptions {
  retrieval::Retriever* retriever = nullptr;  // all outlive the answerer
  inference::Generator* generator = nullptr;  // null: extract mode only
  const indexer::Analyzer* analyzer = nullptr;
  MeaningModels meaning = {};  // asked where form does not decide a verdict
  std::function<absl::Time()> now = [] { return absl::Now(); };
  std::string fence_secret = {};  // see prompt.h; empty: a random one
};

// 16 hexadecimal digits.
std::string MakeRequestId();

// kInvalidArgument for what no answerer takes.
absl::Status CheckQuestion(const Question& question);

// Answers whatever comes at once: see admission.h for the line in front of it.
std::unique_ptr<Answerer> MakeAnswerer(const AnswererOptions& options);

}  // namespace citeseek::gateway
