#include <functional>
#include <iostream>

#include "absl/time/time.h"
#include "services/cli/commands.h"
#include "services/cli/json.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

gateway::ConversationRequest RequestOf(const ConversationOptions& options) {
  return {.session = options.session, .before = options.before, .limit = options.limit};
}

int WithAnswerer(const GlobalOptions& global,
                 const std::function<int(gateway::Answerer& answerer)>& act) {
  Log log("warn");
  const auto app = OpenTarget(
      global, {ServiceRole::kInference, ServiceRole::kRetrieval, ServiceRole::kGateway}, &log);
  return app.ok() ? act(*(*app)->answerer()) : Fail(app.status());
}

void PrintTurn(const gateway::Turn& turn) {
  std::cout << turn.number << "  " << Printable(turn.question) << "\n";
  if (!turn.rewritten.empty()) std::cout << "   = " << Printable(turn.rewritten) << "\n";
  std::cout << Printable(turn.answer) << "\n";
  for (const gateway::Citation& citation : turn.citations) {
    std::cout << "    [" << citation.marker << "] ";
    if (citation.quote.empty()) {
      std::cout << "deleted or replaced since\n";
    } else {
      std::cout << Printable(citation.document_id) << "  \"" << Printable(citation.quote) << "\"\n";
    }
  }
  std::cout << "\n";
}

}  // namespace

int RunListConversations(const GlobalOptions& global, const ConversationOptions& options) {
  return WithAnswerer(global, [&](gateway::Answerer& answerer) {
    const auto all = answerer.ListConversations(RequestOf(options));
    if (!all.ok()) return Fail(all.status());
    if (global.json) {
      std::cout << ConversationsJson(*all) << "\n";
      return kDone;
    }
    for (const gateway::Conversation& conversation : *all) {
      std::cout << conversation.session << "  "
                << absl::FormatTime("%Y-%m-%d %H:%M", conversation.updated, absl::LocalTimeZone())
                << "  " << conversation.turns << "  " << Printable(conversation.title) << "\n";
    }
    return kDone;
  });
}

int RunShowConversation(const GlobalOptions& global, const ConversationOptions& options) {
  return WithAnswerer(global, [&](gateway::Answerer& answerer) {
    const auto conversation = answerer.GetConversation(RequestOf(options));
    if (!conversation.ok()) return Fail(conversation.status());
    if (global.json) {
      std::cout << ConversationJson(*conversation) << "\n";
    } else {
      for (const gateway::Turn& turn : conversation->shown) PrintTurn(turn);
    }
    return kDone;
  });
}

int RunDeleteConversation(const GlobalOptions& global, const ConversationOptions& options) {
  return WithAnswerer(global, [&](gateway::Answerer& answerer) {
    const absl::Status deleted = answerer.DeleteConversation(RequestOf(options));
    if (!deleted.ok()) return Fail(deleted);
    std::cout << (global.json ? FlatJson({{"deleted", options.session}})
                              : "deleted conversation " + Printable(options.session))
              << "\n";
    return kDone;
  });
}

}  // namespace citeseek::services
