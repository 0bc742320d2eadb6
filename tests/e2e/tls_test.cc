// Encrypted ports of real processes: gRPC with and without callers' certificates, and HTTPS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/support/identity.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kQuestion[] = "When was Halden Bridge opened?";

class Tls : public ::testing::Test {
 protected:
  struct Files {
    std::string certificate, key;
  };
  Files Write(const std::string& name, const Identity& identity) {
    return {directory_.Write(name + ".crt", identity.certificate),
            directory_.Write(name + ".key", identity.key)};
  }

  const TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
};

TEST_F(Tls, CommandsFindAnEncryptedServerAndStrangersDoNot) {
  const Files own = Write("own", MakeIdentity());
  ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--http", "off", "--json",
                    "--tls-certificate", own.certificate, "--tls-key", own.key});
  ASSERT_NE(up.address(), "") << up.Errors();
  const auto local = RunCiteseek({"ask", kQuestion, "--data", data_});
  EXPECT_EQ(local.exit_code, 0) << local.err;
  EXPECT_THAT(local.out, HasSubstr("1887"));
  const auto remote =
      RunCiteseek({"ask", kQuestion, "--server", up.address(), "--tls-authority", own.certificate});
  EXPECT_EQ(remote.exit_code, 0) << remote.err;
  EXPECT_EQ(RunCiteseek({"ask", kQuestion, "--server", up.address()}).exit_code, 1);
  const Files other = Write("other", MakeIdentity());
  EXPECT_EQ(RunCiteseek(
                {"ask", kQuestion, "--server", up.address(), "--tls-authority", other.certificate})
                .exit_code,
            1);
}

TEST_F(Tls, ProcessesOfOneAuthorityTrustEachOtherAndNobodyElse) {
  const Identity authority = MakeIdentity(), foreign = MakeIdentity();
  const Files root = Write("ca", authority), own = Write("own", MakeIdentity(&authority)),
              stranger = Write("stranger", MakeIdentity(&foreign));
  const std::string tls = "tls: {certificate: " + own.certificate + ", key: " + own.key +
                          ", authority: " + root.certificate + "}\nlisten: 127.0.0.1:0\n";
  const auto serve = [&](const std::string& name, const std::string& yaml) {
    const std::string config = directory_.Write(name, tls + yaml);
    return std::make_unique<ServerProcess>(
        std::vector<std::string>{"serve", "--config", config, "--json"});
  };
  const auto back = serve(
      "back.yaml", "data: " + data_ + "\nlog: debug\nroles: [inference, indexer, retrieval]\n");
  ASSERT_NE(back->address(), "") << back->Errors();
  const std::vector<std::string> as_own = {"--tls-certificate", own.certificate,
                                           "--tls-key",         own.key,
                                           "--tls-authority",   root.certificate};
  const auto run = [&](std::vector<std::string> arguments, const std::vector<std::string>& as) {
    arguments.insert(arguments.end(), as.begin(), as.end());
    return RunCiteseek(arguments);
  };
  const auto indexed =
      run({"index", CITESEEK_SOURCE_DIR "/deploy/sample", "--server", back->address()}, as_own);
  ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  const auto front = serve("front.yaml", "data: " + data_ +
                                             "2\nlog: debug\nroles: [gateway]\nremotes: "
                                             "{retrieval: '" +
                                             back->address() + "'}\n");
  ASSERT_NE(front->address(), "") << front->Errors();

  const auto answer = run({"ask", kQuestion, "--server", front->address()}, as_own);
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("1887"));
  // Nobody without a certificate, and nobody with one of another authority.
  EXPECT_EQ(
      run({"ask", kQuestion, "--server", front->address()}, {"--tls-authority", root.certificate})
          .exit_code,
      1);
  EXPECT_EQ(run({"ask", kQuestion, "--server", front->address()},
                {"--tls-authority", root.certificate, "--tls-certificate", stranger.certificate,
                 "--tls-key", stranger.key})
                .exit_code,
            1);

  // One trace goes through both processes.
  const auto trace_of = [](const std::string& log, const std::string& method) {
    std::smatch found;
    const std::regex line("\"method\":\"" + method +
                          "\",\"request_id\":\"([0-9a-f]+)\",\"trace_id\":\"([0-9a-f]{32})\"");
    return std::regex_search(log, found, line) ? found[1].str() + " " + found[2].str() : "";
  };
  const std::string asked = trace_of(front->Errors(), "Gateway.Ask");
  EXPECT_NE(asked, "") << front->Errors();
  EXPECT_THAT(back->Errors(), HasSubstr(asked.substr(asked.find(' ') + 1)));
}

TEST_F(Tls, WhatIsWrongWithTheFilesIsSaidAtTheStart) {
  const Files own = Write("own", MakeIdentity()), other = Write("other", MakeIdentity());
  const auto mixed = RunCiteseek({"up", "--data", data_, "--listen", "127.0.0.1:0",
                                  "--tls-certificate", own.certificate, "--tls-key", other.key});
  EXPECT_EQ(mixed.exit_code, 1);
  EXPECT_THAT(mixed.err, HasSubstr("tls key " + other.key));
}

TEST_F(Tls, TheDoctorFindsAllGoodAndNamesWhatIsNot) {
  const auto well = RunCiteseek({"doctor", "--data", data_, "--json"});
  EXPECT_EQ(well.exit_code, 0) << well.out << well.err;
  EXPECT_THAT(well.out, HasSubstr("with an exact citation"));
  EXPECT_THAT(well.out, Not(HasSubstr("\"bad\"")));

  const Files old = Write("old", MakeIdentity(nullptr, -60));
  ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--http", "off", "--json"});
  const auto ill = RunCiteseek(
      {"doctor", "--data", directory_.path() / "other", "--config",
       directory_.Write("c.yaml", "listen: " + up.address() + "\nhttp: {tls: {certificate: " +
                                      old.certificate + ", key: " + old.key + "}}\n"),
       "--model", "/no/such/model"});
  EXPECT_EQ(ill.exit_code, 1);
  EXPECT_THAT(ill.out, HasSubstr("another process listens there"));
  EXPECT_THAT(ill.out, HasSubstr("expired"));
  EXPECT_THAT(ill.out, HasSubstr("/no/such/model"));
  // Whatever is not well says what to do.
  std::istringstream lines(ill.out);
  int bad = 0;
  for (std::string line, next; std::getline(lines, line);) {
    if (!line.starts_with("bad") && !line.starts_with("doubtful")) continue;
    ++bad;
    ASSERT_TRUE(std::getline(lines, next)) << line;
    EXPECT_THAT(next, HasSubstr("-> ")) << line;
  }
  EXPECT_GE(bad, 4) << ill.out;  // http tls, listen, model, answer
}

}  // namespace
}  // namespace citeseek::testing
