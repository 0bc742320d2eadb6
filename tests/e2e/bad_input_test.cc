// Wrong input, files and directories are named with value and limit; the server stays up.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "services/call.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

void ExpectFails(const Output& output, const std::string& message) {
  EXPECT_EQ(output.exit_code, 1) << message << " in " << output.err;
  EXPECT_THAT(output.err, StartsWith("citeseek: "));
  EXPECT_THAT(output.err, HasSubstr(message));
}

class BadInput : public ::testing::Test {
 protected:
  Output Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.end(), {"--data", data_});
    return RunCiteseek(arguments, input);
  }
  std::string Docs(const std::string& name) { return directory_.path() / "docs" / name; }
  void Write(const std::string& name, const std::string& bytes) {
    directory_.Write("docs/" + name, bytes);
  }

  const TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
  const std::string docs_ = directory_.path() / "docs";
};

TEST_F(BadInput, ARunningServerOutlivesItAll) {
  Write("a.txt", "Wombats eat grass.");
  ASSERT_EQ(Run({"index", docs_}).exit_code, 0);
  ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  const fs::directory_iterator threads("/proc/" + std::to_string(up.pid()) + "/task");
  EXPECT_LT(std::distance(begin(threads), end(threads)), 40);
  for (const char* command : {"search", "ask"}) {
    ExpectFails(Run({command, ""}), "empty");
    ExpectFails(Run({command, "-"}, std::string(1 << 20, 'q')), "1048576");
    ExpectFails(Run({command, "x", "--top-k", "0"}), "top_k 0 is not in [1, ");
    ExpectFails(Run({command, "x", "--top-k", "1000000"}), "top_k 1000000 is not in [1, ");
    ExpectFails(Run({command, "caf\xe9"}), "is not UTF-8 at byte 3");
    ExpectFails(Run({command, "x", "--collection", "\xe9"}), "collection is not UTF-8 at byte 0");
    ExpectFails(Run({command, "x", "--filter", "year=\xe9"}), "filter year is not UTF-8");
  }
  for (const char* command : {"get", "delete"}) {
    ExpectFails(Run({command, "caf\xe9"}), "document id is not UTF-8 at byte 3");
    ExpectFails(Run({command, std::string(10000, 'i')}), "...");
  }
  const TempDirectory other;
  ExpectFails(RunCiteseek({"up", "--data", other.path(), "--listen", up.address()}),
              "listen address " + up.address() + ": Address already in use");
  ExpectFails(RunCiteseek({"up", "--data", data_, "--listen", "127.0.0.1:0"}),
              "is in use by process");
  ExpectFails(Run({"fsck"}), "is in use by process");
  fs::remove(data_ + "/server.json");  // nothing tells that a server has the directory but its lock
  ExpectFails(Run({"index", docs_}), "is in use by process");
  EXPECT_EQ(Run({"search", "wombats"}).exit_code, 0);
  EXPECT_EQ(RunCiteseek({"search", "wombats", "--server", up.address()}).exit_code, 0);
  EXPECT_TRUE(up.running());
  EXPECT_EQ(up.Kill(SIGTERM), 0) << up.Errors();
}

// What a gRPC server says to bytes that need be no message.
grpc::Status Send(const std::string& address, const char* method, const std::string& bytes) {
  grpc::GenericStub stub(services::MakeChannel(address));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const auto call = stub.PrepareUnaryCall(&context, method, {&slice, 1}, &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  return status;
}

TEST_F(BadInput, BytesThatAreNoMessageAreToldSo) {
  Write("a.txt", "Wombats eat grass.");
  ASSERT_EQ(Run({"index", docs_}).exit_code, 0);
  ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--http", "off", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  for (const char* method : {"/citeseek.v1.Gateway/Ask", "/citeseek.v1.Retrieval/Search"}) {
    for (const std::string bytes : {"\x0a\xff\xff", "\x0a\x02q\xe9"}) {
      const grpc::Status status = Send(up.address(), method, bytes);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
      EXPECT_THAT(status.error_message(), HasSubstr("not a request of " + std::string(method)));
    }
  }
  EXPECT_EQ(Send(up.address(), "/citeseek.v1.Gateway/Nope", "").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Run({"search", "wombats"}).exit_code, 0);
}

TEST_F(BadInput, ALineOf100MegabytesCostsItsDocumentOnly) {
  const std::string big = directory_.path() / "big.jsonl";
  {
    std::ofstream file(big, std::ios::binary);
    file << R"({"_id":"first","text":"one"})"
         << "\n"
         << R"({"_id":"big","text":")";
    const std::string part(1 << 20, 'x');
    for (int i = 0; i < 100; ++i) file << part;
    file << "\"}\n"
         << R"({"_id":"last","text":"two"})";
  }
  const auto indexed = Run({"index", big, "--json"});
  EXPECT_EQ(indexed.exit_code, 3) << indexed.err;
  EXPECT_THAT(indexed.err, HasSubstr("big.jsonl:2: "));
  EXPECT_EQ(Json::parse(indexed.out)["documents"], 2);
  EXPECT_EQ(Run({"get", "last"}).exit_code, 0);
}

TEST_F(BadInput, OddFilesAreNamedAndNotRead) {
  Write("good.txt", "Numbats eat termites.");
  Write("bad.txt", "not \xff UTF-8");
  Write("caf\xe9.txt", "A name that is not UTF-8.");
  fs::create_directory_symlink(docs_, Docs("loop"));
  fs::create_symlink("self.txt", Docs("self.txt"));
  ASSERT_EQ(mkfifo(Docs("pipe.txt").c_str(), 0600), 0);
  const auto indexed = Run({"index", docs_, "--json"});
  EXPECT_EQ(indexed.exit_code, 3) << indexed.err;
  EXPECT_EQ(Json::parse(indexed.out)["documents"], 1);
  EXPECT_EQ(Json::parse(indexed.out)["failed"], 4);
  for (const char* name : {"bad.txt: not UTF-8 at byte 4", "caf\xe9.txt: document id is not UTF-8",
                           "self.txt: Too many levels", "pipe.txt: is not a regular file"}) {
    EXPECT_THAT(indexed.err, HasSubstr(name));
  }
  ExpectFails(Run({"index", "/dev/zero"}), "/dev/zero: ");
}

TEST_F(BadInput, IdsAreTheSameFromWhereverTheFolderIsNamed) {
  Write("sub/a.md", "# A\n\nFirst.");
  for (const std::string& form : {docs_, docs_ + "/", docs_ + "/.", docs_ + "/sub/..",
                                  fs::relative(docs_, fs::temp_directory_path()).string()}) {
    if (!form.starts_with("/")) fs::current_path(fs::temp_directory_path());
    const auto indexed = Run({"index", form});
    EXPECT_EQ(indexed.exit_code, 0) << form << indexed.err;
  }
  EXPECT_EQ(Json::parse(Run({"fsck", "--json"}).out)["documents"], 1);
  EXPECT_EQ(Run({"get", "sub/a.md"}).exit_code, 0);
}

TEST_F(BadInput, TwoFilesWithOneIdAreNamedAndTheFirstStays) {
  Write("x/a.txt", "First.");
  Write("y/a.txt", "Second.");
  const auto indexed = Run({"index", Docs("x"), Docs("y"), "--json"});
  EXPECT_EQ(indexed.exit_code, 3) << indexed.err;
  EXPECT_THAT(indexed.err, HasSubstr(Docs("y/a.txt") + ": " + Docs("x/a.txt") +
                                     " has the same document id a.txt"));
  EXPECT_EQ(Run({"get", "a.txt"}).out, "First.");
  // A file that is named twice is one file.
  EXPECT_EQ(Run({"index", Docs("x"), Docs("x/a.txt")}).exit_code, 0);
}

TEST_F(BadInput, AnEmptyFolderIsSaidToBeEmpty) {
  fs::create_directory(docs_);
  const auto indexed = Run({"index", docs_, "--json"});
  EXPECT_EQ(indexed.exit_code, 0);
  EXPECT_THAT(indexed.err, HasSubstr(docs_ + " holds no .txt"));
  EXPECT_EQ(Json::parse(indexed.out)["documents"], 0);
}

TEST_F(BadInput, DirectoriesThatCannotBeUsedAreNamed) {
  Write("a.txt", "x");
  for (const std::string& data : {Docs("a.txt") + "/data", std::string("/proc/citeseek/data")}) {
    for (const char* command : {"up", "index"}) {
      std::vector<std::string> arguments = {command, "--data", data};
      if (arguments[0] == "index") arguments.push_back(docs_);
      ExpectFails(RunCiteseek(arguments), "data directory " + data + ": ");
    }
  }
  ASSERT_EQ(Run({"index", docs_}).exit_code, 0);
  const std::string format = data_ + "/index/FORMAT";
  std::ifstream in(format);
  std::string first, rest;
  std::getline(in, first);
  std::getline(in, rest, '\0');
  std::ofstream(format) << "citeseek index 999\n" << rest;
  for (const char* command : {"up", "index", "search"}) {
    std::vector<std::string> arguments = {command};
    if (arguments[0] != "up") arguments.push_back(docs_);
    ExpectFails(Run(arguments), "is of version \"citeseek index 999\"; this program reads \"");
  }
}

TEST_F(BadInput, ConfigurationIsNamedByLineAndColumn) {
  ExpectFails(RunCiteseek({"serve", "--config", "/nowhere/c.yaml"}),
              "config file /nowhere/c.yaml cannot be read: No such file");
  ExpectFails(RunCiteseek({"serve", "--config", "/tmp"}), "/tmp cannot be read: it is a directory");
  const std::string yaml = directory_.Write("c.yaml", "data: x\nlimits:\n  worker: 3\n");
  ExpectFails(RunCiteseek({"up", "--config", yaml}), yaml + ":3:3: unknown key 'worker'");
}

TEST_F(BadInput, WrongChoicesAreTwoAndServersThatAreNotThereAreToldQuickly) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"ask", "x", "--mode", "turbo"},
        {"search", "x", "--legs", "left"},
        {"up", "--log", "loud"}}) {
    const auto output = RunCiteseek(arguments);
    EXPECT_EQ(output.exit_code, 2) << output.err;
    EXPECT_THAT(output.err, HasSubstr(arguments.back()));
  }
  ExpectFails(RunCiteseek({"search", "x", "--server", "nonsense"}),
              "--server 'nonsense' is not HOST:PORT");
  ExpectFails(RunCiteseek({"search", "x", "--server", "127.0.0.1:99999"}), "[0, 65535]");
  const absl::Time start = absl::Now();
  for (const char* command : {"search", "ask", "get"}) {
    ExpectFails(RunCiteseek({command, "x", "--server", "127.0.0.1:1"}),
                "no server answers at 127.0.0.1:1");
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(12));  // 4 s each on a busy machine
}

TEST_F(BadInput, InterruptedIndexingBreaksNothing) {
  std::string lines;
  for (int i = 0; i < 40000; ++i) {
    lines += R"({"_id":")" + std::to_string(i) + R"(","text":"Numbat )" + std::to_string(i * 7) +
             R"( lives in a hollow log and eats termites all day."})" + "\n";
  }
  const std::string file = directory_.Write("many.jsonl", lines);
  ServerProcess index({"index", file, "--data", data_}, /*await_line=*/false);
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (!fs::exists(data_ + "/index/FORMAT") && absl::Now() < limit) std::this_thread::yield();
  EXPECT_EQ(index.Kill(SIGINT), 128 + SIGINT) << index.Errors();
  const auto fsck = Run({"fsck", "--json"});
  EXPECT_EQ(fsck.exit_code, 0) << fsck.err;
  const auto again = Run({"index", file, "--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Json::parse(again.out)["documents"], 40000);
  EXPECT_EQ(Json::parse(Run({"fsck", "--json"}).out)["documents"], 40000);
}

TEST(Help, IsOfTheProgramOrOfACommand) {
  const auto all = RunCiteseek({"help"});
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_THAT(all.out, HasSubstr("eval"));
  const auto search = RunCiteseek({"help", "search"});
  EXPECT_EQ(search.exit_code, 0);
  EXPECT_THAT(search.out, HasSubstr("--legs"));
  EXPECT_THAT(RunCiteseek({"--version"}).out, StartsWith("citeseek 0."));
}

}  // namespace
}  // namespace citeseek::testing
