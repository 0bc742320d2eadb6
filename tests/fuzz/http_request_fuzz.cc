// The first byte says who reads the rest: a body of one of the APIs, or the target of a request.
#include <string>

#include "services/http/requests.h"
#include "services/http/target.h"
#include "tests/fuzz/fuzz.h"

namespace http = citeseek::http;
using citeseek::fuzz::Require;

namespace {

void RequireSaid(const absl::Status& status) {
  Require(status.ok() || !status.message().empty(), "an error says what is wrong");
  Require(status.message().size() < 1000, "an error does not repeat its input");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = citeseek::fuzz::View(data + 1, size - 1);
  if (data[0] == 'c') {
    const auto chat = http::ParseChat(text);
    RequireSaid(chat.status());
    Require(!chat.ok() || http::ModeOfModel(chat->model).ok(), "a model is one of ours");
  } else if (data[0] == 'a') {
    const auto ask = http::ParseAsk(text);
    RequireSaid(ask.status());
    Require(!ask.ok() || (ask->question.top_k >= 1 && ask->question.top_k <= 64),
            "top_k is checked");
  } else if (data[0] == 's') {
    RequireSaid(http::ParseSearch(text).status());
  } else if (data[0] == 'r') {
    RequireSaid(http::ParseResponses(text).status());
  } else if (data[0] == 'e') {
    const auto body = http::ParseEmbeddings(text);
    RequireSaid(body.status());
    Require(!body.ok() || !body->input.empty(), "there is something to embed");
  } else if (data[0] == 'k') {
    const auto body = http::ParseRerank(text);
    RequireSaid(body.status());
    Require(!body.ok() || (body->top_n >= 1 && body->top_n <= body->documents.size()),
            "top_n is checked");
  } else {
    const auto target = http::ParseTarget(text);
    RequireSaid(target.status());
    if (!target.ok()) return 0;
    Require(target->path.starts_with('/'), "a path begins with a slash");
    Require(http::ParseTarget(http::EncodePath(target->path))->path == target->path,
            "an encoded path is read back");
    RequireSaid(http::ParseSearch(target->query).status());
  }
  return 0;
}
