// Golden tokenizers: the tokenizer.json files of the shared directory, unpacked and patched.
#pragma once

#include <string>
#include <vector>

namespace citeseek {

// Empty without a shared directory.
std::vector<std::string> GoldenTokenizerNames();

std::string GoldenTokenizerJson(const std::string& name);

}  // namespace citeseek
