#include "inference/model/safetensors.h"

#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;
using citeseek::fuzz::View;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto tensors = citeseek::inference::ParseSafetensors(bytes, "fuzz");
  if (!tensors.ok()) return 0;
  std::size_t total = 0;
  for (const auto& tensor : *tensors) {
    const auto view = tensor.view.bytes;
    Require(view.empty() || (view.data() >= bytes.data() &&
                             view.data() + view.size() <= bytes.data() + bytes.size()),
            "a tensor lies in the file");
    total += view.size();
  }
  Require(total <= size, "tensors do not overlap");
  return 0;
}
