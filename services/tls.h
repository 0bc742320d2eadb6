// Tls: turns certificate files into an OpenSSL context for the servers of this process.
//
// Thread-safe. Files are PEM and are read again when they change, looked at once a minute at most;
// if the new ones are not good the old ones stay. Errors: kInvalidArgument names the file and what
// is wrong with it. (gRPC reads the same files by itself: see call.h.)
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/config.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace citeseek::services {

// A certificate that is in force and its own key, and an authority that can be read, as far as they
// are named.
absl::Status CheckTls(const TlsConfig& config);

class TlsContext {
 public:
  using Context = boost::asio::ssl::context;

  // `config` names a certificate. With an authority, clients must show a certificate of it.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Make(const TlsConfig& config);

  std::shared_ptr<Context> Current(absl::Time now = absl::Now());

 private:
  TlsContext(TlsConfig config, std::shared_ptr<Context> context);
  std::filesystem::file_time_type Changed() const;  // the newest change of a file

  const TlsConfig config_;
  std::mutex mutex_;
  std::shared_ptr<Context> context_;
  absl::Time looked_;
  std::filesystem::file_time_type changed_;
};

}  // namespace citeseek::services
