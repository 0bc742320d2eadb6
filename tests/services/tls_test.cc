#include "services/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/identity.h"
#include "tests/support/temp_directory.h"

namespace citeseek::services {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Identity;
using testing::MakeIdentity;

class TlsTest : public ::testing::Test {
 protected:
  TlsConfig Write(const std::string& name, const Identity& identity) {
    return {.certificate = directory_.Write(name + ".crt", identity.certificate),
            .key = directory_.Write(name + ".key", identity.key)};
  }
  std::string Message(const TlsConfig& config) { return std::string(CheckTls(config).message()); }

  const TempDirectory directory_;
};

TEST_F(TlsTest, ACertificateWithItsKeyAndAnAuthorityAreGood) {
  TlsConfig config = Write("own", MakeIdentity());
  EXPECT_TRUE(CheckTls(config).ok()) << CheckTls(config);
  config.authority = config.certificate;
  EXPECT_TRUE(CheckTls(config).ok()) << CheckTls(config);
  EXPECT_TRUE(CheckTls({}).ok());
}

TEST_F(TlsTest, WhatIsWrongIsNamedWithItsFile) {
  const TlsConfig own = Write("own", MakeIdentity());
  const TlsConfig other = Write("other", MakeIdentity());
  EXPECT_THAT(Message({.certificate = own.certificate}), HasSubstr("certificate but no key"));
  EXPECT_THAT(Message({.key = own.key}), HasSubstr("key but no certificate"));
  EXPECT_THAT(Message({.certificate = own.certificate, .key = other.key}),
              AllOf(HasSubstr(other.key), HasSubstr("mismatch")));
  EXPECT_THAT(Message({.certificate = "/no/such.crt", .key = own.key}),
              AllOf(HasSubstr("/no/such.crt"), HasSubstr("o such file")));
  EXPECT_THAT(Message({.authority = own.key}), HasSubstr("tls authority " + own.key));
  const TlsConfig old = Write("old", MakeIdentity(nullptr, -60));
  EXPECT_THAT(Message(old), AllOf(HasSubstr(old.certificate), HasSubstr("expired")));
}

TEST_F(TlsTest, NewFilesAreTakenAndBadOnesAreNot) {
  const TlsConfig config = Write("own", MakeIdentity());
  const auto made = TlsContext::Make(config);
  ASSERT_TRUE(made.ok()) << made.status();
  TlsContext& tls = **made;
  const absl::Time start = absl::Now();
  const auto first = tls.Current(start);
  auto later = [&, minute = 1]() mutable {
    // Whatever the resolution of the file system's clock.
    std::filesystem::last_write_time(
        config.certificate,
        std::filesystem::file_time_type::clock::now() + std::chrono::minutes(minute));
    return start + absl::Minutes(2 * minute++);
  };
  directory_.Write("own.crt", "no certificate");
  EXPECT_EQ(tls.Current(later()), first);
  Write("own", MakeIdentity());
  const auto second = tls.Current(later());
  EXPECT_NE(second, first);
  EXPECT_EQ(tls.Current(start + absl::Minutes(10)), second);  // nothing has changed
}

}  // namespace
}  // namespace citeseek::services
