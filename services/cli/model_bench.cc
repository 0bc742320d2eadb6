// model bench: how fast a model, or a shape with random weights, runs here.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "inference/bench.h"
#include "services/cli/commands.h"
#include "services/cli/model.h"
#include "services/cli/model_values.h"

namespace citeseek::services {

int RunModelBench(const ModelCommand& command) {
  const auto result = inference::RunBench({.path = command.path,
                                           .shape = command.shape,
                                           .options = command.options,
                                           .prompts = command.prompts,
                                           .generate = command.generate,
                                           .batches = command.batches,
                                           .rounds = command.rounds});
  if (!result.ok()) return Fail(result.status());
  if (!command.json) {
    std::cout << result->model << " on " << result->backend << "\n";
    for (const auto& [name, value] : result->figures) {
      std::cout << absl::StrFormat("%-32s %.4g\n", name, value);
    }
    return kDone;
  }
  std::string out = "{\"model\":";
  AppendText(result->model, out);
  out += ",\"backend\":";
  AppendText(result->backend, out);
  absl::StrAppend(&out, ",\"threads\":", command.options.threads);
  for (const auto& [name, value] : result->figures) {
    absl::StrAppendFormat(&out, ",\"%s\":%.7g", name, value);
  }
  std::cout << out << "}" << std::endl;
  return kDone;
}

}  // namespace citeseek::services
