#include "indexer/store/manifest.h"

#include <string>

#include "indexer/store/block_file.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using citeseek::fuzz::Require;
  const std::string_view bytes = citeseek::fuzz::View(data, size);
  const bool as_is = citeseek::indexer::DecodeManifest(bytes).ok();
  // With the checksum that belongs to them, the bytes get past it.
  std::string sealed(bytes);
  citeseek::indexer::PutFixed(
      sealed, citeseek::indexer::Checksum(citeseek::indexer::AsBytes(std::string_view(bytes))));
  const auto manifest = citeseek::indexer::DecodeManifest(sealed);
  if (manifest.ok()) {
    Require(citeseek::indexer::EncodeManifest(*manifest) == sealed, "it is written as it was read");
  }
  Require(!as_is || bytes.size() >= 48, "a manifest has a header");
  return 0;
}
