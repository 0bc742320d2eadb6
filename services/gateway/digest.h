// Digest: turns bytes into a name that nothing else has.
//
// Free function, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace citeseek::gateway {

// SHA-256, 64 hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace citeseek::gateway
