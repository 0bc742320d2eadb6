// model tokenize, detokenize, render: what is between text and ids.
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "services/cli/commands.h"
#include "services/cli/model.h"
#include "services/cli/model_values.h"

namespace citeseek::services {
namespace {

// Calls `answer` with each line of stdin and prints what it returns, a line each and at once.
int AnswerLines(const std::function<absl::StatusOr<std::string>(const std::string&)>& answer) {
  std::size_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    const auto out = answer(line);
    if (!out.ok()) {
      return Fail(absl::Status(out.status().code(),
                               absl::StrCat("line ", number, ": ", out.status().message())));
    }
    std::cout << *out << std::endl;
  }
  return kDone;
}

}  // namespace

int RunModelTokenize(const ModelCommand& command) {
  inference::Workbench bench(command.path, command.options);
  // Before the first line comes: a wrong path is known at once.
  if (const auto probe = bench.Tokenize("", false); !probe.ok()) return Fail(probe.status());
  return AnswerLines([&](const std::string& line) -> absl::StatusOr<std::string> {
    auto text = command.json ? ParseStringLine(line) : line;
    if (!text.ok()) return text.status();
    const auto ids = bench.Tokenize(*text, command.special);
    if (!ids.ok()) return ids.status();
    std::string out;
    AppendIds(*ids, out);
    return command.json ? absl::StrCat("{\"ids\":", out, "}") : out;
  });
}

int RunModelDetokenize(const ModelCommand& command) {
  inference::Workbench bench(command.path, command.options);
  if (const auto probe = bench.Detokenize({}, false); !probe.ok()) return Fail(probe.status());
  return AnswerLines([&](const std::string& line) -> absl::StatusOr<std::string> {
    const auto ids = ParseIdLine(line);
    if (!ids.ok()) return ids.status();
    auto text = bench.Detokenize(*ids, command.skip_special);
    if (!text.ok() || !command.json) return text;
    std::string out = "{\"text\":";
    AppendText(*text, out);
    return out + "}";
  });
}

int RunModelRender(const ModelCommand& command) {
  const auto conversation = ReadInput(command.messages);
  if (!conversation.ok()) return Fail(conversation.status());
  inference::Workbench bench(command.path, command.options);
  const auto prompt = bench.Render(*conversation, command.generation_prompt);
  if (!prompt.ok()) return Fail(prompt.status());
  if (!command.json) {
    std::cout << prompt->text << std::flush;  // nothing added: scripts compare it
    return kDone;
  }
  std::string out = "{\"text\":";
  AppendText(prompt->text, out);
  out += ",\"ids\":";
  AppendIds(prompt->ids, out);
  std::cout << out << "}" << std::endl;
  return kDone;
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) return absl::NotFoundError("cannot read " + path);
  return bytes;
}

}  // namespace citeseek::services
