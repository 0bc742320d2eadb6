// Keys: says whose a request is, and whether its caller has any of its limits left.
//
// Keys are known by their SHA-256 alone; all of them are compared, each in constant time. Limits
// are token buckets (Turner 1986) that hold a minute's worth: requests are taken when they come;
// tokens, which nobody knows beforehand, when they have been spent, so that a caller may owe some.
// Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/config.h"
#include "services/http/message.h"

namespace citeseek::http {

class Keys {
 public:
  // kInvalidArgument names the key whose hash is not 64 hex digits, or is there twice.
  static absl::StatusOr<std::unique_ptr<Keys>> Make(
      const std::vector<services::KeyConfig>& configs,
      std::function<absl::Time()> now = [] { return absl::Now(); });

  using Hash = std::array<unsigned char, 32>;

  // Other keys from now on; those that stay keep what is left of their limits. Errors as Make's,
  // and kInvalidArgument for none at all: nothing is changed then.
  absl::Status Replace(const std::vector<services::KeyConfig>& configs);

  struct Caller {
    Hash key = {};
    std::string name;
    Fields headers;  // what is left of the limits, as OpenAI tells it
  };
  // `authorization`: the header's value. 401 without a key that is known and in force; 429 with
  // Retry-After when the key's own limit is used up.
  std::variant<Caller, Error> Admit(std::string_view authorization);

  void Spend(const Hash& key, std::int64_t tokens);

 private:
  struct Bucket {
    double per_minute = 0;  // 0: no limit
    double left = 0;
    absl::Time filled;
  };
  struct Key {
    services::KeyConfig config;
    Hash hash;
    Bucket requests;
    Bucket tokens;
  };

  explicit Keys(std::function<absl::Time()> now) : now_(std::move(now)) {}
  static absl::StatusOr<std::vector<Key>> Read(const std::vector<services::KeyConfig>& configs,
                                               absl::Time now);
  Key* Find(const Hash& hash);  // under mutex_
  static void Fill(Bucket& bucket, absl::Time now);
  static Error Exhausted(const Key& key, const char* what, const Bucket& bucket, double needed);

  const std::function<absl::Time()> now_;
  std::mutex mutex_;
  std::vector<Key> keys_;
};

}  // namespace citeseek::http
