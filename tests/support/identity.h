// Identity: makes keys and certificates for tests of TLS.
#pragma once

#include <string>

namespace citeseek::testing {

struct Identity {
  std::string key, certificate;  // PEM
};

// For 127.0.0.1 alone; signed by `authority`, or by itself, and then an authority of its own.
// In force from an hour ago until `seconds` from now.
Identity MakeIdentity(const Identity* authority = nullptr, long seconds = 3600);

}  // namespace citeseek::testing
