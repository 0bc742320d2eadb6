// The rules of docs/architecture.md that a compiler cannot see, checked on every source file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// The staircase: a folder may include itself and those below it.
const std::map<std::string, int> kFloors = {
    {"inference", 1}, {"indexer", 2}, {"retrieval", 3}, {"services", 4}};

// Libraries that only .cc files may include, and the headers that are excused: their purpose is to
// meet proto types, JSON, or a socket.
const std::regex kHeavy(
    "^(grpc|google/protobuf|rocksdb|faiss|unicode|boost|nlohmann|spdlog|fmt|yaml-cpp|roaring|hwy|"
    "prometheus|openssl|CLI|libstemmer|citeseek/v1)[/.].*|^grpcpp/.*");
const std::regex kExcused(R"(services/(call|\w+/convert|http/(members|wire))\.h)");

// What only floor 4 may know.
const std::regex kServing(
    "^(grpc|grpcpp|google/protobuf|boost|spdlog|yaml-cpp|prometheus|CLI|citeseek/v1)[/.].*");

std::string TopFolder(const std::string& path) { return path.substr(0, path.find('/')); }

// What is wrong with one line of one file, or nothing. `path` is relative to the repository.
std::string Fault(const std::string& path, const std::string& line) {
  const std::string extension = fs::path(path).extension().string();
  if (extension == ".txt" || extension == ".cmake") {
    static const std::regex kForbidden(R"(^[^#]*\b(GLOB|GLOB_RECURSE|FetchContent\w*)\b.*)");
    return std::regex_match(line, kForbidden) ? "sources are listed by hand" : "";
  }
  static const std::regex kConditional(R"(^\s*#\s*(ifdef|ifndef|if\s+!?\s*defined).*)");
  if (std::regex_match(line, kConditional)) return "platforms differ by source list";

  std::smatch match;
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  if (!std::regex_match(line, match, kInclude)) return "";
  const std::string included = match[1];
  const std::string from = TopFolder(path), to = TopFolder(included);
  if (!kFloors.contains(from)) return "";  // tests see everything
  if (extension == ".h" && !std::regex_match(path, kExcused) &&
      std::regex_match(included, kHeavy)) {
    return "a third-party header leaks";
  }
  if (kFloors.at(from) < 4 && std::regex_match(included, kServing)) return "only services may know";
  if (!kFloors.contains(to) || from == to) return "";
  if (kFloors.at(to) > kFloors.at(from)) return "an include goes up";
  if (fs::path(included).parent_path() != to) return "a door is bypassed";
  return "";
}

TEST(Architecture, TheTreeKeepsItsRules) {
  const fs::path root = CITESEEK_SOURCE_DIR;
  std::vector<std::string> faults;
  int files = 0;
  const auto check = [&](const fs::path& file) {
    const std::string extension = file.extension().string();
    if (extension != ".h" && extension != ".cc" && extension != ".cu" && extension != ".cuh" &&
        extension != ".cmake" && file.filename() != "CMakeLists.txt") {
      return;
    }
    const std::string path = file.lexically_relative(root).string();
    std::ifstream in(file);
    int number = 0;
    ++files;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (const std::string fault = Fault(path, line); !fault.empty()) {
        faults.push_back(path + ":" + std::to_string(number) + ": " + fault + ": " + line);
      }
    }
  };
  check(root / "CMakeLists.txt");
  for (const char* folder : {"inference", "indexer", "retrieval", "services", "proto", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) check(entry.path());
  }
  EXPECT_THAT(faults, ::testing::IsEmpty());
  EXPECT_GT(files, 50);
}

TEST(Architecture, EachRuleSeesItsFault) {
  EXPECT_EQ(Fault("indexer/a.cc", "#include \"retrieval/retriever.h\""), "an include goes up");
  EXPECT_EQ(Fault("retrieval/a.cc", "#include \"indexer/parse/html.h\""), "a door is bypassed");
  EXPECT_EQ(Fault("services/http/a.cc", "#include \"retrieval/rank/fusion.h\""),
            "a door is bypassed");
  EXPECT_EQ(Fault("indexer/store/a.h", "#include <rocksdb/db.h>"), "a third-party header leaks");
  EXPECT_EQ(Fault("services/a.h", "#  include <grpcpp/grpcpp.h>"), "a third-party header leaks");
  EXPECT_EQ(Fault("services/a.h", "#include \"citeseek/v1/a.pb.h\""), "a third-party header leaks");
  EXPECT_EQ(Fault("inference/a.cc", "#include <spdlog/spdlog.h>"), "only services may know");
  EXPECT_EQ(Fault("inference/a.cc", "#ifdef __AVX2__"), "platforms differ by source list");
  EXPECT_EQ(Fault("tests/a_test.cc", "#if defined(X)"), "platforms differ by source list");
  EXPECT_EQ(Fault("indexer/CMakeLists.txt", "file(GLOB sources *.cc)"),
            "sources are listed by hand");
  EXPECT_EQ(Fault("CMakeLists.txt", "include(FetchContent)"), "sources are listed by hand");
}

TEST(Architecture, WhatIsAllowedIsNoFault) {
  EXPECT_EQ(Fault("retrieval/a.h", "#include \"indexer/snapshot.h\""), "");
  EXPECT_EQ(Fault("indexer/store/a.cc", "#include <rocksdb/db.h>"), "");
  EXPECT_EQ(Fault("services/gateway/a.cc", "#include \"services/http/b.h\""), "");
  EXPECT_EQ(Fault("tests/a_test.cc", "#include \"indexer/parse/html.h\""), "");
  EXPECT_EQ(Fault("CMakeLists.txt", "# no GLOB here"), "");
  EXPECT_EQ(Fault("retrieval/a.cc", "#if HWY_ONCE"), "");
}

}  // namespace
