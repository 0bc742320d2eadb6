// Proposal: asks a model for other words to search for, where those of a question found nothing.
//
// The model sees the question and what was searched for, no document. Thread-safe. Errors are those
// of the generator.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/generator.h"
#include "services/gateway/thinking.h"

namespace citeseek::gateway {

inline constexpr int kProposalTokens = 96;
inline constexpr std::size_t kMaxProposalBytes = 256;

struct ProposalRequest {
  std::string_view question;            // as it stands alone
  std::vector<std::string> tried = {};  // what was searched for
  bool chinese = false;
  ThoughtSplitter::Opening opening = ThoughtSplitter::Opening::kUnknown;
  inference::Priority priority = inference::Priority::kInteractive;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct Proposal {
  std::string text;  // empty: nothing that was not tried
  inference::Finish finish;
};

absl::StatusOr<Proposal> ProposeSearch(inference::Generator* generator,
                                       const ProposalRequest& request);

}  // namespace citeseek::gateway
