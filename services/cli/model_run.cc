// model info, logits, generate, embed, rerank: what a model makes of ids and texts.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/cli/commands.h"
#include "services/cli/model.h"
#include "services/cli/model_values.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

using inference::Rows;
using inference::TokenText;

void Print(const std::string& line) { std::cout << line << std::endl; }

// The argument, or stdin where it is "-".
absl::StatusOr<std::vector<TokenText>> Ids(const ModelCommand& command) {
  return ParseTokenTexts(ArgumentOrStdin(command.ids), command.type_ids);
}

void PrintRows(const Rows& rows) {
  for (std::size_t i = 0; i < rows.count(); ++i) {
    std::string line;
    for (const float x : rows[i])
      absl::StrAppendFormat(&line, "%s%.6g", line.empty() ? "" : " ", x);
    Print(line);
  }
}

absl::StatusOr<std::vector<std::int32_t>> PromptIds(inference::Workbench& bench,
                                                    const ModelCommand& command) {
  if (!command.messages.empty()) {
    const auto conversation = ReadInput(command.messages);
    if (!conversation.ok()) return conversation.status();
    auto prompt = bench.Render(*conversation, command.generation_prompt);
    if (!prompt.ok()) return prompt.status();
    if (prompt->ids.empty()) {
      return absl::InvalidArgumentError(command.path + " has no tokenizer: give --ids");
    }
    return std::move(prompt->ids);
  }
  return bench.Tokenize(command.prompt, /*add_special=*/true);
}

}  // namespace

int RunModelInfo(const ModelCommand& command) {
  inference::Workbench bench(command.path, command.options);
  const auto info = bench.Info();
  if (!info.ok()) return Fail(info.status());
  std::string out;
  const auto text = [&](const char* name, const std::string& value) {
    if (!command.json) {
      if (!value.empty()) absl::StrAppendFormat(&out, "%-18s %s\n", name, Printable(value));
      return;
    }
    absl::StrAppend(&out, out.empty() ? "{\"" : ",\"", name, "\":");
    AppendText(value, out);
  };
  const auto number = [&](const char* name, std::int64_t value) {
    if (!command.json) {
      if (value != 0) absl::StrAppendFormat(&out, "%-18s %d\n", name, value);
      return;
    }
    absl::StrAppend(&out, out.empty() ? "{\"" : ",\"", name, "\":", value);
  };
  text("name", info->name);
  text("format", info->format);
  text("architecture", info->architecture);
  text("family", info->family);
  text("task", info->task);
  number("parameters", info->parameters);
  text("quantization", info->quantization);
  number("bytes", info->bytes);
  number("tensors", info->tensors);
  number("context", info->context);
  number("layers", info->layers);
  number("hidden", info->hidden);
  number("heads", info->heads);
  number("kv_heads", info->kv_heads);
  number("vocabulary", info->vocabulary);
  number("experts", info->experts);
  number("experts_per_token", info->experts_per_token);
  number("kv_bytes_per_token", info->kv_bytes_per_token);
  text("rope", info->rope);
  number("tokenizer_ids", info->tokenizer_ids);
  text("chat_template", info->chat_template ? "yes" : command.json ? "no" : "");
  text("pooling", info->pooling);
  text("license", info->license.empty() && !command.json ? "not told" : info->license);
  if (command.json) {
    out += ",\"types\":{";
    for (std::size_t i = 0; i < info->type_bytes.size(); ++i) {
      absl::StrAppend(&out, i > 0 ? ",\"" : "\"", info->type_bytes[i].first,
                      "\":", info->type_bytes[i].second);
    }
    out += "},\"labels\":[";
    for (std::size_t i = 0; i < info->labels.size(); ++i) {
      if (i > 0) out += ',';
      AppendText(info->labels[i], out);
    }
    out += "]}\n";
  }
  std::cout << out << std::flush;
  return kDone;
}

int RunModelLogits(const ModelCommand& command) {
  const auto texts = Ids(command);
  if (!texts.ok()) return Fail(texts.status(), kWrongUsage);
  inference::Workbench bench(command.path, command.options);
  for (const TokenText& text : *texts) {
    std::string out = command.json ? "{\"logits\":" : "";
    bool first = true;
    if (command.json && command.all) out += '[';
    const absl::Status status = bench.Logits(text, command.all, [&](std::span<const float> row) {
      if (!command.json) {
        PrintRows({.width = row.size(), .values = {row.begin(), row.end()}});
        return;
      }
      if (!first) out += ',';
      first = false;
      AppendFloats(row, out);
      if (out.size() < 1 << 20) return;
      std::cout << out;
      out.clear();
    });
    if (!status.ok()) return Fail(status);
    if (command.json) Print(out + (command.all ? "]}" : "}"));
  }
  return kDone;
}

int RunModelGenerate(const ModelCommand& command) {
  inference::Workbench bench(command.path, command.options);
  inference::CompletionRequest request = {.sampling = command.sampling,
                                          .ignore_eos = command.ignore_eos};
  if (!command.ids.empty()) {
    auto texts = Ids(command);
    if (!texts.ok()) return Fail(texts.status(), kWrongUsage);
    if (texts->size() != 1) {
      return Fail(absl::InvalidArgumentError("--ids: one list of ids is one prompt"), kWrongUsage);
    }
    request.prompt = std::move(texts->front().ids);
  } else {
    auto ids = PromptIds(bench, command);
    if (!ids.ok()) return Fail(ids.status());
    request.prompt = *std::move(ids);
  }
  const auto done = bench.Complete(request, [&](std::string_view piece) {
    if (!command.json) std::cout << Printable(piece) << std::flush;
    return std::cout.good();
  });
  if (!done.ok()) return Fail(done.status());
  const auto tokens = static_cast<double>(done->ids.size());
  const double decoding = done->seconds - done->first_token_seconds;
  const double speed = tokens > 1 && decoding > 0 ? (tokens - 1) / decoding : 0;
  const char* reason = done->reason == inference::FinishReason::kStop ? "stop" : "length";
  if (!command.json) {
    std::cout << std::endl;
    std::cerr << absl::StrFormat(
        "%d tokens after %d, %s; first after %.0f ms, then %.1f a second\n", done->ids.size(),
        done->prompt_tokens, reason, done->first_token_seconds * 1e3, speed);
    return kDone;
  }
  std::string out = "{\"ids\":";
  AppendIds(done->ids, out);
  out += ",\"text\":";
  AppendText(done->text, out);
  out += ",\"text_with_special\":";
  AppendText(done->text_with_special, out);
  absl::StrAppendFormat(
      &out,
      ",\"finish_reason\":\"%s\",\"stats\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,"
      "\"first_token_ms\":%.3f,\"total_ms\":%.3f,\"decode_tokens_per_s\":%.3f,\"steps\":%d}}",
      reason, done->prompt_tokens, done->ids.size(), done->first_token_seconds * 1e3,
      done->seconds * 1e3, speed, done->engine.steps);
  Print(out);
  return kDone;
}

int RunModelEmbed(const ModelCommand& command) {
  inference::Workbench bench(command.path, command.options);
  absl::StatusOr<std::vector<TokenText>> texts;
  if (!command.ids.empty()) {
    texts = Ids(command);
    if (!texts.ok()) return Fail(texts.status(), kWrongUsage);
  } else {
    texts = bench.TokenizeForEmbedding(command.texts, command.embed_as);
    if (!texts.ok()) return Fail(texts.status());
  }
  const auto rows = bench.Embed(*texts, command.pool, !command.raw);
  if (!rows.ok()) return Fail(rows.status());
  if (!command.json) {
    PrintRows(*rows);
    return kDone;
  }
  std::string out = "{\"vectors\":";
  AppendRows(*rows, out);
  Print(out + "}");
  return kDone;
}

int RunModelRerank(const ModelCommand& command) {
  inference::Workbench bench(command.path, command.options);
  absl::StatusOr<Rows> rows;
  if (!command.ids.empty()) {
    const auto pairs = Ids(command);
    if (!pairs.ok()) return Fail(pairs.status(), kWrongUsage);
    rows = bench.Classify(*pairs);
  } else {
    rows = bench.Rerank(command.query, command.texts);
  }
  if (!rows.ok()) return Fail(rows.status());
  // One label: a score a pair; more: a list of scores a pair.
  Rows scores = {.width = rows->width};
  for (std::size_t i = 0; i < rows->count(); ++i) {
    for (const float score : inference::ClassScores((*rows)[i])) scores.values.push_back(score);
  }
  if (!command.json) {
    PrintRows(scores);
    return kDone;
  }
  std::string out = "{\"logits\":";
  AppendRows(*rows, out);
  out += ",\"scores\":";
  scores.width == 1 ? AppendFloats(scores.values, out) : AppendRows(scores, out);
  Print(out + "}");
  return kDone;
}

}  // namespace citeseek::services
