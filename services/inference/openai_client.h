// OpenAiClient: the Generator that any OpenAI-compatible server is.
//
// POST {url}/chat/completions with a streamed reply, over HTTP/1.1 or TLS with the server's
// certificate verified. Thread-safe; one connection a call, closed within milliseconds when the
// call is cancelled. A host name that the system's resolver hangs on is the exception: it holds the
// call until the resolver gives up. Errors beyond Generator's: kUnauthenticated (401),
// kPermissionDenied (403), kNotFound (404: no such model or path); each with the server's message.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/generator.h"

namespace citeseek::services {

struct OpenAiOptions {
  std::string url;      // "http://127.0.0.1:8000/v1"; https too
  std::string model;    // as the server names it
  std::string api_key;  // sent as a bearer token; empty: none
  std::string ca_file;  // PEM with the authorities to trust; empty: the system's
  absl::Duration connect_timeout = absl::Seconds(5);
  // Without a byte from the server: the most that is waited, and the least where its earlier
  // answers, ten times over, would allow less.
  absl::Duration idle_timeout = absl::Seconds(120);
  absl::Duration least_idle_timeout = absl::Seconds(30);
  // Send chat_template_kwargs.enable_thinking: vLLM and SGLang know it, OpenAI refuses it.
  bool thinking_switch = false;
};

// Checks the options only: the server may come up later. kInvalidArgument names the bad part.
absl::StatusOr<std::unique_ptr<inference::Generator>> ConnectOpenAi(const OpenAiOptions& options);

}  // namespace citeseek::services
