// The commands work on a directory without a server; wrong input is named and harms nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/json_lines.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kCorpus[] =
    R"({"_id":"d1","title":"Wombats","text":"Wombats dig long burrows. They eat grass.","year":"2020"}
{"_id":"d2","title":"Quolls","text":"Quolls hunt at night and climb trees.","year":"2021"}
{"_id":"d3","title":"袋熊","text":"袋熊会挖很长的地洞，主要吃草。","year":"2021"}
)";

class CommandLine : public ::testing::Test {
 protected:
  Output Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.end(), {"--data", data_});
    return RunCiteseek(arguments, input);
  }
  void IndexCorpus() {
    const auto output = Run({"index", directory_.Write("corpus.jsonl", kCorpus)});
    ASSERT_EQ(output.exit_code, 0) << output.err;
  }

  const TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
};

TEST_F(CommandLine, IndexSearchGetAndDeleteWorkWithoutAServer) {
  const auto indexed = Run({"index", directory_.Write("corpus.jsonl", kCorpus), "--json"});
  ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  EXPECT_EQ(Json::parse(indexed.out)["documents"], 3);
  EXPECT_EQ(Json::parse(indexed.out)["failed"], 0);

  const auto found = Run({"search", "wombats burrows", "--json", "--top-k", "1"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const Json hit = Json::parse(found.out);
  EXPECT_EQ(hit["rank"], 1);
  EXPECT_EQ(hit["document_id"], "d1");
  const auto chinese = Run({"search", "袋熊吃什么", "--json", "--top-k", "1"});
  ASSERT_EQ(chinese.exit_code, 0) << chinese.err;
  EXPECT_EQ(Json::parse(chinese.out)["document_id"], "d3");
  const auto filtered =
      Run({"search", "dig hunt climb", "--filter", "year=2021", "--json", "--legs", "lexical"});
  ASSERT_EQ(filtered.exit_code, 0) << filtered.err;
  EXPECT_EQ(Json::parse(filtered.out)["document_id"], "d2");

  const auto got = Run({"get", "d2", "--json"});
  ASSERT_EQ(got.exit_code, 0) << got.err;
  EXPECT_EQ(Json::parse(got.out)["text"], "Quolls hunt at night and climb trees.");
  EXPECT_EQ(Json::parse(got.out)["metadata"]["year"], "2021");

  EXPECT_EQ(Run({"delete", "d1", "nobody"}).exit_code, 3);
  EXPECT_EQ(Run({"delete", "nobody"}).exit_code, 1);
  EXPECT_EQ(Run({"get", "d1"}).exit_code, 1);
  EXPECT_THAT(Run({"search", "wombats", "--json"}).out, ::testing::Not(HasSubstr("\"d1\"")));
  const auto fsck = Run({"fsck", "--json"});
  ASSERT_EQ(fsck.exit_code, 0) << fsck.err;
  EXPECT_EQ(Json::parse(fsck.out)["documents"], 2);
}

TEST_F(CommandLine, AskCitesTheQuotedSentence) {
  IndexCorpus();
  const auto asked = Run({"ask", "What do wombats eat?", "--mode", "extract"});
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_THAT(asked.out, HasSubstr("[1]"));
  EXPECT_THAT(asked.out, HasSubstr("grass"));
  EXPECT_THAT(asked.out, HasSubstr("Wombats"));
}

TEST_F(CommandLine, CheckTellsWhatTheDocumentsSupport) {
  IndexCorpus();
  const std::string text = "Wombats eat grass [1]. Quolls never hunt at night [2].";
  const auto answer = directory_.Write("answer.txt", text);
  const auto wombats = directory_.Write("wombats.txt", "Wombats dig long burrows. They eat grass.");
  const auto quolls = directory_.Write("quolls.md", "Quolls hunt at night and climb trees.");
  // Of files without an index, of the index, and from stdin.
  for (const auto& output :
       {RunCiteseek({"check", "--answer", answer, "--documents", wombats, quolls, "--json"}),
        Run({"check", "--answer", answer, "--json"}),
        Run({"check", "--answer", "-", "--json", "--documents", wombats, quolls}, text)}) {
    ASSERT_EQ(output.exit_code, 0) << output.err;
    const std::vector<Json> all = ParseJsonLines(output.out);
    ASSERT_EQ(all.size(), 3u) << output.out;
    EXPECT_EQ(all[0]["sentence"], "Wombats eat grass [1].");
    EXPECT_EQ(all[0]["verdict"], "supported");
    EXPECT_EQ(all[0]["citations"][0]["quote"], "They eat grass.");
    EXPECT_EQ(all[1]["verdict"], "unsupported");
    EXPECT_TRUE(all[1]["citations"].empty());
    EXPECT_FALSE(all[1]["problems"].empty());
    EXPECT_EQ(all[2]["summary"]["unsupported"], 1);
  }
  const auto plain = RunCiteseek({"check", "--answer", answer, "--documents", wombats, quolls});
  EXPECT_THAT(plain.out, HasSubstr("supported: Wombats eat grass [1]."));
  EXPECT_THAT(plain.out, HasSubstr("2 sentences: 1 supported, 0 partly, 1 unsupported"));

  EXPECT_EQ(Run({"check"}).exit_code, 2);
  const auto missing = Run({"check", "--answer", "nowhere.txt"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.txt"));
  EXPECT_EQ(Run({"check", "--answer", answer, "--documents", "nowhere.md"}).exit_code, 1);
  EXPECT_THAT(RunCiteseek({"check", "--help"}).out, HasSubstr("--documents"));
}

TEST_F(CommandLine, CheckReadsListsTablesAndSeveralMarkers) {
  const auto pumps =
      directory_.Write("pumps.md",
                       "# Curlew pumps\n\nThe Curlew pump moves 40 litres a minute. It was "
                       "designed by Mara Lindholm "
                       "in 2014.\n\n| Model | Price |\n|---|---|\n| Curlew 2 | 310 euros |\n"
                       "| Curlew 4 | 520 euros |\n");
  const auto bridge = directory_.Write(
      "bridge.md", "# 望月桥\n\n望月桥由本地商人顾望月出资修建，1544年建成。桥上禁止车辆通行。\n");
  const auto answer = directory_.Write(
      "answer.md",
      "- The pump moves 40 litres a minute [1].\n"
      "- It was designed by Mara Lindholm [2].\n"
      "- Mara Lindholm was designed by the Curlew pump [1].\n"
      "- The pump was designed by Mara Lindholm in 2014 and won a prize in Berlin [1].\n"
      "\n| Model | Price |\n|---|---|\n| Curlew 2 | 310 euros [1] |\n| Curlew 4 | 310 euros [1] "
      "|\n\n"
      "望月桥由顾望月出资修建[2]。桥上可以通行车辆。望月桥1544年建成[1][2]。\n");
  const auto output =
      RunCiteseek({"check", "--answer", answer, "--documents", pumps, bridge, "--json"});
  ASSERT_EQ(output.exit_code, 0) << output.err;
  std::map<std::string, Json> told;
  for (const Json& line : ParseJsonLines(output.out)) {
    if (line.contains("sentence")) told[line["sentence"]] = line;
  }
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"- The pump moves 40 litres a minute [1].", "supported"},
      {"- It was designed by Mara Lindholm [2].", "supported"},
      {"- Mara Lindholm was designed by the Curlew pump [1].", "unsupported"},
      {"- The pump was designed by Mara Lindholm in 2014 and won a prize in Berlin [1].", "partly"},
      {"| Curlew 2 | 310 euros [1] |", "supported"},
      {"| Curlew 4 | 310 euros [1] |", "unsupported"},
      {"望月桥由顾望月出资修建[2]。", "supported"},
      {"桥上可以通行车辆。", "unsupported"},
      {"望月桥1544年建成[1][2]。", "supported"}};
  for (const auto& [sentence, verdict] : expected) {
    ASSERT_TRUE(told.contains(sentence)) << sentence << output.out;
    EXPECT_EQ(told[sentence]["verdict"], verdict) << told[sentence];
  }
  const Json& moved = told["- It was designed by Mara Lindholm [2]."];
  EXPECT_EQ(moved["citations"][0]["marker"], 1);
  EXPECT_EQ(moved["citations"][0]["quote"], "It was designed by Mara Lindholm in 2014.");
  const Json& row = told["| Curlew 2 | 310 euros [1] |"];
  EXPECT_EQ(row["citations"][0]["quote"], "| Curlew 2 | 310 euros |");
  const Json& both = told["望月桥1544年建成[1][2]。"];
  ASSERT_EQ(both["citations"].size(), 1u);
  EXPECT_EQ(both["citations"][0]["marker"], 2);
  EXPECT_EQ(told["望月桥由顾望月出资修建[2]。"]["citations"][0]["quote"],
            "望月桥由本地商人顾望月出资修建");
}

TEST_F(CommandLine, EvalAndTrecRunsAgree) {
  IndexCorpus();
  const std::string queries = directory_.Write(
      "queries.jsonl",
      "{\"_id\":\"q1\",\"text\":\"burrows\"}\n{\"_id\":\"q2\",\"text\":\"trees\"}\n"
      "{\"_id\":\"unjudged\",\"text\":\"x\"}\n");
  const std::string qrels =
      directory_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n");
  const auto eval =
      Run({"eval", "--queries", queries, "--qrels", qrels, "--json", "--threads", "2"});
  ASSERT_EQ(eval.exit_code, 0) << eval.err;
  const Json figures = Json::parse(eval.out);
  EXPECT_EQ(figures["queries"], 2);
  EXPECT_EQ(figures["ndcg10"], 1.0);
  EXPECT_EQ(figures["recall100"], 1.0);
  EXPECT_EQ(figures["mrr10"], 1.0);
  for (const char* name : {"p50_ms", "p99_ms", "qps"}) EXPECT_GT(figures[name], 0) << name;

  const std::string run = directory_.path() / "out.trec";
  const auto searched = Run({"search", "--queries", queries, "--run", run, "--top-k", "100"});
  ASSERT_EQ(searched.exit_code, 0) << searched.err;
  std::ifstream file(run);
  std::string query, q0, id, rank;
  file >> query >> q0 >> id >> rank;
  EXPECT_EQ(query + q0 + id + rank, "q1Q0d11");
}

TEST_F(CommandLine, SomeBadFilesAreNamedAndTheOthersIndexed) {
  const std::string folder = directory_.path() / "docs";
  directory_.Write("docs/good.txt", "A good file about numbats.");
  directory_.Write("docs/sub/good.md", "# Bilbies\n\nBilbies have long ears.");
  directory_.Write("docs/bad.txt", "not \xff UTF-8");
  directory_.Write("docs/picture.png", "png");
  directory_.Write("docs/.hidden.txt", "hidden");
  const auto output = Run({"index", folder, "--json"});
  EXPECT_EQ(output.exit_code, 3) << output.err;
  EXPECT_EQ(Json::parse(output.out)["documents"], 2);
  EXPECT_EQ(Json::parse(output.out)["failed"], 1);
  EXPECT_EQ(Json::parse(output.out)["skipped"], 1);
  EXPECT_THAT(output.err, HasSubstr("bad.txt"));
  EXPECT_THAT(output.err, HasSubstr("UTF-8"));
  // Indexing again replaces: ids are paths within the folder.
  EXPECT_EQ(Run({"index", folder}).exit_code, 3);
  EXPECT_EQ(Json::parse(Run({"fsck", "--json"}).out)["documents"], 2);
  EXPECT_EQ(Run({"get", "sub/good.md"}).exit_code, 0);
}

TEST_F(CommandLine, WrongUsageIsTwo) {
  EXPECT_EQ(RunCiteseek({}).exit_code, 2);
  EXPECT_EQ(RunCiteseek({"serach"}).exit_code, 2);
  EXPECT_EQ(Run({"search"}).exit_code, 2);
  EXPECT_EQ(Run({"search", "x", "--top-k", "ten"}).exit_code, 2);
  EXPECT_EQ(Run({"search", "x", "--filter", "year"}).exit_code, 2);
  EXPECT_EQ(Run({"ask", "x", "--mode", "fast"}).exit_code, 2);
  EXPECT_EQ(Run({"eval", "--queries", "x", "--qrels", "y", "--threads", "0"}).exit_code, 2);
  EXPECT_EQ(RunCiteseek({"--help"}).exit_code, 0);
  EXPECT_THAT(RunCiteseek({"version"}).out, StartsWith("citeseek 0."));
}

TEST_F(CommandLine, FilesAndDirectoriesThatCannotBeUsedAreNamed) {
  const auto missing = Run({"index", "/nowhere/at-all.txt"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("citeseek: /nowhere/at-all.txt: "));
  const std::string file = directory_.Write("file.txt", "x");
  const auto under = RunCiteseek({"index", file, "--data", file + "/data"});
  EXPECT_EQ(under.exit_code, 1);
  EXPECT_THAT(under.err, HasSubstr("data directory " + file + "/data"));
  const auto nothing = RunCiteseek({"search", "x", "--data", "/nowhere/data"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("/nowhere/data"));
  const auto config = RunCiteseek({"serve", "--config", "/nowhere/c.yaml"});
  EXPECT_EQ(config.exit_code, 1);
  EXPECT_THAT(config.err, HasSubstr("/nowhere/c.yaml"));
  const std::string yaml = directory_.Write("c.yaml", "data: x\nlissen: y\n");
  const auto unknown = RunCiteseek({"serve", "--config", yaml});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr(yaml + ":2:1: unknown key 'lissen'"));
  const auto lonely = RunCiteseek({"serve", "--roles=retrieval", "--data", data_});
  EXPECT_EQ(lonely.exit_code, 1);
  EXPECT_THAT(lonely.err, HasSubstr("role retrieval needs inference"));
}

TEST_F(CommandLine, ADirectoryWithoutPermissionIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  const auto output = RunCiteseek({"index", directory_.Write("a.txt", "x"), "--data", "/root/x"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.err, HasSubstr("data directory /root/x"));
}

TEST_F(CommandLine, AServerOutlivesBadInputAndItsPortAndDirectoryAreItsOwn) {
  IndexCorpus();
  ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  const auto fails = [&](const Output& output, const std::string& message) {
    EXPECT_EQ(output.exit_code, 1) << message << " in " << output.err;
    EXPECT_THAT(output.err, StartsWith("citeseek: "));
    EXPECT_THAT(output.err, HasSubstr(message));
  };
  for (const char* command : {"search", "ask"}) {
    fails(Run({command, ""}), "empty");
    fails(Run({command, "-"}, std::string(1 << 20, 'q')), "1048576");
    fails(Run({command, "x", "--top-k", "0"}), "top_k 0 is not in [1, ");
    fails(Run({command, "x", "--top-k", "1000000"}), "top_k 1000000 is not in [1, ");
    fails(Run({command, "caf\xe9"}), "not UTF-8");
  }
  const std::string line = R"({"_id":"big","text":")" + std::string(100 << 20, 'x') + "\"}\n";
  const std::string big = directory_.Write("big.jsonl", line + R"({"_id":"small","text":"tiny"})");
  const auto indexed = Run({"index", big, "--json"});
  EXPECT_EQ(indexed.exit_code, 3) << indexed.err;
  EXPECT_THAT(indexed.err, HasSubstr("big.jsonl:1: "));
  EXPECT_EQ(Json::parse(indexed.out)["documents"], 1);

  const TempDirectory other;
  const auto port = RunCiteseek({"up", "--data", other.path(), "--listen", up.address()});
  fails(port, "listen address " + up.address() + ": Address already in use");
  const auto locked = RunCiteseek({"up", "--data", data_, "--listen", "127.0.0.1:0"});
  fails(locked, "is in use by process");
  fails(Run({"fsck"}), "is in use by process");
  EXPECT_TRUE(up.running());
  EXPECT_EQ(Run({"search", "wombats"}).exit_code, 0);
  EXPECT_EQ(up.Kill(SIGTERM), 0) << up.Errors();
}

}  // namespace
}  // namespace citeseek::testing
