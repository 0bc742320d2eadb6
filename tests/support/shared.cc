#include "tests/support/shared.h"

#include <cstdlib>

namespace citeseek {

std::optional<std::filesystem::path> SharedDirectory() {
  std::error_code ignored;
  if (const char* named = std::getenv("CITESEEK_SHARED"); named != nullptr) {
    return std::filesystem::is_directory(named, ignored) ? std::optional(named) : std::nullopt;
  }
  // Tests may run anywhere: look beside the source tree, then one level further up (a worktree).
  const std::filesystem::path source = CITESEEK_SOURCE_DIR;
  for (const auto& path : {source / ".." / "shared", source / ".." / ".." / "shared"}) {
    if (std::filesystem::is_directory(path, ignored)) return path.lexically_normal();
  }
  return std::nullopt;
}

}  // namespace citeseek
