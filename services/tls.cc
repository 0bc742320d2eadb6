#include "services/tls.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/ssl/context.hpp>

#include "absl/strings/str_cat.h"

namespace citeseek::services {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr absl::Duration kLookAgain = absl::Seconds(60);

absl::Status Bad(const char* what, const std::string& file, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("tls ", what, " ", file, ": ", why));
}

absl::StatusOr<std::shared_ptr<ssl::context>> Load(const TlsConfig& config) {
  if (config.certificate.empty() != config.key.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tls names a ", config.key.empty() ? "certificate" : "key", " but no ",
                     config.key.empty() ? "key" : "certificate"));
  }
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX* handle = context->native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
  SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);  // of connections that wait
  error_code error;
  if (!config.certificate.empty()) {
    context->use_certificate_chain_file(config.certificate, error);
    if (error) return Bad("certificate", config.certificate, error.message());
    const X509* certificate = SSL_CTX_get0_certificate(handle);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
      return Bad("certificate", config.certificate, "it has expired");
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
      return Bad("certificate", config.certificate, "it is not valid yet");
    }
    context->use_private_key_file(config.key, ssl::context::pem, error);
    if (error) return Bad("key", config.key, error.message());
  }
  if (!config.authority.empty()) {
    context->load_verify_file(config.authority, error);
    if (error) return Bad("authority", config.authority, error.message());
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  }
  return context;
}

}  // namespace

absl::Status CheckTls(const TlsConfig& config) { return Load(config).status(); }

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Make(const TlsConfig& config) {
  auto context = Load(config);
  if (!context.ok()) return context.status();
  return std::unique_ptr<TlsContext>(new TlsContext(config, *std::move(context)));
}

TlsContext::TlsContext(TlsConfig config, std::shared_ptr<Context> context)
    : config_(std::move(config)),
      context_(std::move(context)),
      looked_(absl::Now()),
      changed_(Changed()) {}

std::filesystem::file_time_type TlsContext::Changed() const {
  auto newest = std::filesystem::file_time_type::min();
  for (const std::string* file : {&config_.certificate, &config_.key, &config_.authority}) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(*file, error);
    if (!error) newest = std::max(newest, time);
  }
  return newest;
}

std::shared_ptr<TlsContext::Context> TlsContext::Current(absl::Time now) {
  const std::scoped_lock lock(mutex_);
  if (now - looked_ >= kLookAgain) {
    looked_ = now;
    if (const auto changed = Changed(); changed != changed_) {
      if (auto context = Load(config_); context.ok()) {
        context_ = *std::move(context);
        changed_ = changed;
      }
    }
  }
  return context_;
}

}  // namespace citeseek::services
