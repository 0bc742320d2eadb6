// Every citation is exact: the stored text[start:end] is the quote, for all questions of all
// small sets of real data.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "services/gateway/client.h"
#include "services/indexer/client.h"
#include "tests/support/process.h"
#include "tests/support/shared.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

TEST(Citations, QuoteTheStoredTextByteForByte) {
  const auto shared = SharedDirectory();
  if (!shared) GTEST_SKIP() << "no $CITESEEK_SHARED: citations are not checked on real data";
  const TempDirectory directory;
  const std::string data = directory.path() / "data";
  ServerProcess up({"up", "--data", data, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  const auto channel = services::MakeChannel(up.address());
  const auto answerer = services::ConnectAnswerer(channel);
  const auto indexer = services::ConnectIndexer(channel);
  std::size_t citations = 0, questions = 0, supported = 0;
  for (const std::string set : {"cranfield", "cacm", "npl", "chunking_eval", "rgb_en_fact",
                                "rgb_zh", "rgb_zh_fact", "rgb_zh_int"}) {
    const std::string archive = *shared / "data" / (set + ".tar.xz");
    const std::string unpack = "tar -xJf " + archive + " -C " + directory.path().string();
    ASSERT_EQ(std::system(unpack.c_str()), 0) << archive;
    std::map<std::pair<std::string, std::uint64_t>, std::string> texts;  // by id and version
    const auto folder = directory.path() / set;
    const auto indexed = RunCiteseek(
        {"index", folder / "corpus.jsonl", "--collection", set, "--server", up.address()});
    ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
    std::istringstream queries(ReadFile(folder / "queries.jsonl"));
    std::string line;
    while (std::getline(queries, line)) {
      const std::string text = nlohmann::json::parse(line)["text"];
      const auto answer =
          answerer->Ask({.text = text, .mode = gateway::Mode::kExtract, .collection = set},
                        [](const gateway::Event&) { return true; });
      ASSERT_TRUE(answer.ok()) << set << ": " << text << ": " << answer.status();
      for (const gateway::Citation& citation : answer->citations) {
        const auto key = std::pair(citation.document_id, citation.version);
        if (!texts.contains(key)) {
          const auto stored =
              indexer->Get({.key = {citation.document_id, set}, .version = citation.version});
          ASSERT_TRUE(stored.ok()) << stored.status();
          texts[key] = stored->document.text;
        }
        const std::string& stored = texts[key];
        ASSERT_LE(citation.end, stored.size());
        ASSERT_LT(citation.start, citation.end);
        EXPECT_EQ(stored.substr(citation.start, citation.end - citation.start), citation.quote)
            << set << ": " << text;
        ++citations;
        supported += citation.verdict == gateway::Verdict::kSupported ? 1 : 0;
      }
      ++questions;
    }
  }
  EXPECT_EQ(questions, 879u);  // all there are
  EXPECT_GT(citations, 1000u);
  // The extract says what its source says; what is not seen to be so is long, or hardly text.
  EXPECT_GE(supported * 100, citations * 98) << supported << " of " << citations;
}

}  // namespace
}  // namespace citeseek::testing
