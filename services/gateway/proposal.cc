#include "services/gateway/proposal.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inference/utf8.h"
#include "services/gateway/prompt.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;

std::string ProposalPrompt(const ProposalRequest& request) {
  std::vector<std::string> tried;
  for (const std::string& text : request.tried) tried.push_back("- " + MakeInert(text));
  const std::string question = MakeInert(request.question);
  if (request.chinese) {
    return absl::StrCat("用户的问题：\n", question, "\n\n在文档中搜索过以下内容，没有找到答案：\n",
                        absl::StrJoin(tried, "\n"),
                        "\n\n请写出另一条搜索词，使用文档里可能用来写答案的其他说法。"
                        "只写这一条搜索词，不要解释。");
  }
  return absl::StrCat("The user's question:\n", question,
                      "\n\nDocuments were searched for this, and nothing answered it:\n",
                      absl::StrJoin(tried, "\n"),
                      "\n\nWrite one other search query, in other words that the documents may "
                      "use where they answer it. Reply with the query alone.");
}

// The first line that says something, without what stands around a query.
std::string FirstLine(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\"'`*-";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(kAround), line.size()));
    line = line.substr(0, line.find_last_not_of(kAround) + 1);
    line = line.substr(0, kMaxProposalBytes);
    line = line.substr(0, inference::ValidUtf8Prefix(line));
    if (!line.empty()) return std::string(line);
  }
  return "";
}

}  // namespace

absl::StatusOr<Proposal> ProposeSearch(inference::Generator* generator,
                                       const ProposalRequest& request) {
  ThoughtSplitter splitter(request.opening);
  std::vector<Piece> pieces;
  auto finish = generator->Generate(
      {.messages = {{.role = inference::Role::kUser, .text = ProposalPrompt(request)}},
       .sampling = {.temperature = 0, .repetition_penalty = 1, .max_tokens = kProposalTokens},
       .thinking = false,
       .priority = request.priority,
       .deadline = request.deadline,
       .stop = request.stop},
      [&](const Piece& piece) {
        splitter.Feed(piece, &pieces);
        return true;
      });
  if (!finish.ok()) return finish.status();
  splitter.Finish(finish->reason == inference::FinishReason::kStop, &pieces);
  std::string text;
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::kText) text += piece.text;
  }
  Proposal proposal{.text = FirstLine(text), .finish = *std::move(finish)};
  const auto& tried = request.tried;
  if (std::find(tried.begin(), tried.end(), proposal.text) != tried.end()) proposal.text.clear();
  return proposal;
}

}  // namespace citeseek::gateway
