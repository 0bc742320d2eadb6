#include "services/http/keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace citeseek::http {
namespace {

Error Unknown(const std::string& message) {
  return {.status = absl::UnauthenticatedError(message),
          .http = 401,
          .headers = {{"WWW-Authenticate", "Bearer"}}};
}

}  // namespace

absl::StatusOr<std::vector<Keys::Key>> Keys::Read(const std::vector<services::KeyConfig>& configs,
                                                  absl::Time now) {
  std::vector<Key> keys;
  for (const services::KeyConfig& config : configs) {
    const bool hex = config.sha256.size() == 64 &&
                     std::all_of(config.sha256.begin(), config.sha256.end(), absl::ascii_isxdigit);
    if (!hex) {
      return absl::InvalidArgumentError(
          absl::StrCat("sha256 of key '", config.name, "' is not 64 hex digits"));
    }
    Key key{.config = config};
    const std::string bytes = absl::HexStringToBytes(config.sha256);
    std::copy(bytes.begin(), bytes.end(), key.hash.begin());
    for (const Key& other : keys) {
      if (other.hash == key.hash) {
        return absl::InvalidArgumentError(absl::StrCat("keys '", other.config.name, "' and '",
                                                       config.name, "' have the same sha256"));
      }
    }
    const auto bucket = [&](double limit) { return Bucket{limit, limit, now}; };
    key.requests = bucket(static_cast<double>(config.requests_per_minute));
    key.tokens = bucket(static_cast<double>(config.tokens_per_minute));
    keys.push_back(std::move(key));
  }
  return keys;
}

absl::StatusOr<std::unique_ptr<Keys>> Keys::Make(const std::vector<services::KeyConfig>& configs,
                                                 std::function<absl::Time()> now) {
  std::unique_ptr<Keys> made(new Keys(std::move(now)));
  auto keys = Read(configs, made->now_());
  if (!keys.ok()) return keys.status();
  made->keys_ = *std::move(keys);
  return made;
}

absl::Status Keys::Replace(const std::vector<services::KeyConfig>& configs) {
  if (configs.empty()) {
    return absl::InvalidArgumentError("http.keys is empty: to let everybody in, start anew");
  }
  auto keys = Read(configs, now_());
  if (!keys.ok()) return keys.status();
  const std::scoped_lock lock(mutex_);
  for (Key& key : *keys) {
    const Key* known = Find(key.hash);
    if (known == nullptr) continue;
    const auto keep = [](Bucket& bucket, const Bucket& before) {
      if (before.per_minute <= 0) return;
      bucket.left = std::min(bucket.per_minute, before.left);
      bucket.filled = before.filled;
    };
    keep(key.requests, known->requests);
    keep(key.tokens, known->tokens);
  }
  keys_ = *std::move(keys);
  return absl::OkStatus();
}

// Compares with all of them, each in constant time.
Keys::Key* Keys::Find(const Hash& hash) {
  Key* found = nullptr;
  for (Key& key : keys_) {
    if (CRYPTO_memcmp(key.hash.data(), hash.data(), hash.size()) == 0) found = &key;
  }
  return found;
}

std::variant<Keys::Caller, Error> Keys::Admit(std::string_view authorization) {
  constexpr std::size_t kScheme = 7;
  if (authorization.empty()) {
    return Unknown("no API key: send it as \"Authorization: Bearer KEY\"");
  }
  if (!absl::StartsWithIgnoreCase({authorization.data(), authorization.size()}, "bearer ")) {
    return Unknown("the Authorization header is not \"Bearer KEY\"");
  }
  const absl::string_view given = absl::StripAsciiWhitespace(
      absl::string_view(authorization.data(), authorization.size()).substr(kScheme));
  Hash hash{};
  EVP_Digest(given.data(), given.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  const std::scoped_lock lock(mutex_);
  Key* const found = Find(hash);
  if (found == nullptr) return Unknown("the API key is unknown");
  Key& key = *found;
  const absl::Time now = now_();
  if (now >= key.config.expires) {
    return Unknown(
        absl::StrCat("API key '", key.config.name, "' expired at ",
                     absl::FormatTime(absl::RFC3339_sec, key.config.expires, absl::UTCTimeZone())));
  }
  Fill(key.requests, now);
  Fill(key.tokens, now);
  if (key.requests.per_minute > 0 && key.requests.left < 1) {
    return Exhausted(key, "requests", key.requests, 1);
  }
  if (key.tokens.per_minute > 0 && key.tokens.left <= 0) {
    return Exhausted(key, "tokens", key.tokens, 1);
  }
  Caller caller{.key = key.hash, .name = key.config.name};
  const auto tell = [&](const char* what, const Bucket& bucket) {
    if (bucket.per_minute <= 0) return;
    const auto whole = [](double x) { return absl::StrCat(static_cast<std::int64_t>(x)); };
    caller.headers.emplace_back(absl::StrCat("x-ratelimit-limit-", what), whole(bucket.per_minute));
    caller.headers.emplace_back(absl::StrCat("x-ratelimit-remaining-", what),
                                whole(std::max(0.0, bucket.left)));
  };
  if (key.requests.per_minute > 0) key.requests.left -= 1;
  tell("requests", key.requests);
  tell("tokens", key.tokens);
  return caller;
}

void Keys::Spend(const Hash& key, std::int64_t tokens) {
  const std::scoped_lock lock(mutex_);
  Key* const found = Find(key);
  if (found == nullptr || found->tokens.per_minute <= 0) return;
  Bucket& bucket = found->tokens;
  Fill(bucket, now_());
  bucket.left -= static_cast<double>(tokens);
}

void Keys::Fill(Bucket& bucket, absl::Time now) {
  const double minutes = absl::ToDoubleMinutes(now - bucket.filled);
  bucket.filled = now;
  if (minutes <= 0) return;
  bucket.left = std::min(bucket.per_minute, bucket.left + minutes * bucket.per_minute);
}

Error Keys::Exhausted(const Key& key, const char* what, const Bucket& bucket, double needed) {
  const double seconds = std::ceil((needed - bucket.left) * 60 / bucket.per_minute);
  const auto wait = static_cast<std::int64_t>(std::clamp(seconds, 1.0, 3600.0));
  return {.status = absl::ResourceExhaustedError(
              absl::StrCat("API key '", key.config.name, "' has used its limit of ",
                           bucket.per_minute, " ", what, " a minute; try again in ", wait, " s")),
          .http = 429,
          .headers = {{"Retry-After", absl::StrCat(wait)}}};
}

}  // namespace citeseek::http
