// RequestId: names a call in logs and receipts.
#pragma once

#include <string>
#include <string_view>

namespace citeseek::services {

// `given` (the caller's x-request-id) if it is printable and at most 64 bytes, else a random name.
std::string RequestId(std::string_view given);

}  // namespace citeseek::services
