// OpenAiServer: a real HTTP/1.1 server on loopback that answers as it is scripted to.
//
// One thread a connection. Remembers requests, and when the client closed its connection.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace citeseek::testing {

struct ReplyChunk {
  std::string bytes;
  absl::Duration delay;  // before it is sent
};

struct ServerReply {
  enum class End { kWhole, kAbort, kSilent };  // as HTTP asks; broken off; until the client closes

  int status = 200;
  std::string content_type = "text/event-stream";
  std::vector<ReplyChunk> chunks;  // each written at once, as one HTTP chunk
  End end = End::kWhole;
};

struct SeenRequest {
  std::string method, target, authorization, body;
};

class OpenAiServer {
 public:
  using Script = std::function<ServerReply(const SeenRequest&)>;

  explicit OpenAiServer(Script script, bool tls = false);
  explicit OpenAiServer(ServerReply reply)
      : OpenAiServer([reply](const SeenRequest&) { return reply; }) {}
  ~OpenAiServer();

  std::string url() const;                                 // with /v1
  const std::string& certificate() const { return pem_; }  // self-signed, for 127.0.0.1
  std::vector<SeenRequest> requests() const;
  // When the n-th connection that the client closed itself was closed; InfiniteFuture after 10 s.
  absl::Time AwaitClosedByClient(std::size_t n = 1) const;

 private:
  struct Net;
  template <typename Stream>
  void Serve(Stream& stream, int fd);

  const Script script_;
  const bool tls_;
  std::string pem_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<SeenRequest> requests_;
  std::vector<absl::Time> closed_;
  std::vector<int> open_;  // sockets
  std::unique_ptr<Net> net_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

// Events of a stream: data: {...}\n\n
std::string TextEvent(const std::string& text);
std::string ThoughtEvent(const std::string& text, const std::string& field = "reasoning_content");
std::string FinishEvent(const std::string& reason);
std::string UsageEvent(int prompt_tokens, int completion_tokens);
inline constexpr char kDoneEvent[] = "data: [DONE]\n\n";

// A whole good answer: the texts, a finish_reason, the usage, [DONE].
ServerReply GoodReply(const std::vector<std::string>& texts);

}  // namespace citeseek::testing
