// Extract writer: turns the sentences chosen from the passages into a cited answer.
//
// Errors: those of Asking.
#pragma once

#include "services/gateway/asking.h"

namespace citeseek::gateway {

// The best sentences, each part's where the question asks several things; or that there are none.
absl::Status WriteExtract(Asking& asking, Evidence* evidence);
// The first words of the best passages, as they stand there.
absl::Status WriteResults(Asking& asking);

// Behind a model's answer, which may have told one side alone, or nothing of the dates.
absl::Status SayDisagreements(Asking& asking, Evidence* evidence);
// Which parts of the question the passages do not answer, where they answer others.
absl::Status SayMissingParts(Asking& asking);

}  // namespace citeseek::gateway
