// extract_quality: how often the extract holds the answer, and how often it is refused.
//
//   extract_quality DATA [QUESTIONS_A_SET]
//
// DATA holds <set>/{corpus,queries}.jsonl. Every set is asked over its own corpus (recall: an
// accepted answer occurs in the extracted sentences) and some over another set's (refusal: the
// documents do not hold the answers). Passages come from the tests' in-memory retriever.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "services/gateway/extract.h"
#include "tests/support/overlap_retriever.h"

namespace citeseek {
namespace {

using Json = nlohmann::json;

std::vector<Json> ReadLines(const std::string& path) {
  std::vector<Json> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

// Letters, digits and what is not ASCII; in lower case.
std::string Plain(std::string_view text) {
  std::string plain;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (c < 0 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.') plain += c;
  }
  return plain;
}

bool HoldsAnswer(const Json& answers, const std::string& text) {
  if (answers.is_string()) {
    const std::string answer = Plain(answers.get<std::string>());
    return !answer.empty() && text.find(answer) != std::string::npos;
  }
  return std::any_of(answers.begin(), answers.end(),
                     [&](const Json& answer) { return HoldsAnswer(answer, text); });
}

struct Counts {
  int asked = 0, answered = 0, found = 0, possible = 0, refused_possible = 0;
  std::size_t sentences = 0;
};

void Print(const std::string& name, const Counts& counts) {
  const auto percent = [](int part, int whole) { return whole == 0 ? 0 : 100.0 * part / whole; };
  std::printf(
      "%-32s %4d asked, refused %5.1f %%; answer in passages %5.1f %%, of these in the extract "
      "%5.1f %%, refused %5.1f %%; %.1f sentences\n",
      name.c_str(), counts.asked, percent(counts.asked - counts.answered, counts.asked),
      percent(counts.possible, counts.asked), percent(counts.found, counts.possible),
      percent(counts.refused_possible, counts.possible),
      counts.answered == 0 ? 0 : static_cast<double>(counts.sentences) / counts.answered);
}

Counts Measure(retrieval::Retriever* retriever, const indexer::Analyzer& analyzer,
               const std::vector<Json>& questions) {
  Counts counts;
  for (const Json& question : questions) {
    const std::string text = question["text"];
    const auto result = retriever->Search({.text = text, .top_k = 8});
    if (!result.ok()) continue;
    gateway::Evidence evidence(result->hits, analyzer);
    const auto extract = gateway::ExtractAnswer(text, gateway::ReadCues(text), &evidence);
    std::string passages, extracted;
    for (const retrieval::Hit& hit : result->hits) passages += hit.text + "\n";
    for (const gateway::ExtractedSentence& sentence : extract.sentences) {
      const std::string& source = result->hits[static_cast<std::size_t>(sentence.source)].text;
      extracted += source.substr(sentence.range.start, sentence.range.end - sentence.range.start);
      extracted += "\n";
    }
    const Json none = Json::array();
    const Json& answers = question.contains("answers")      ? question["answers"]
                          : question.contains("references") ? question["references"]
                                                            : none;
    const bool possible = HoldsAnswer(answers, Plain(passages));
    ++counts.asked;
    counts.answered += extract.sentences.empty() ? 0 : 1;
    counts.possible += possible ? 1 : 0;
    counts.found += possible && HoldsAnswer(answers, Plain(extracted)) ? 1 : 0;
    counts.refused_possible += possible && extract.sentences.empty() ? 1 : 0;
    counts.sentences += extract.sentences.size();
  }
  return counts;
}

int Run(const std::string& data, std::size_t limit) {
  struct Pairing {
    std::string corpus;
    std::vector<std::string> questions;
  };
  const std::vector<Pairing> pairings = {
      {"enwiki_qa", {"enwiki_qa", "chunking_eval", "rgb_en_fact"}},
      {"rgb_en_fact", {"rgb_en_fact", "enwiki_qa"}},
      {"chunking_eval", {"chunking_eval", "enwiki_qa"}},
      {"zhwiki_qa", {"zhwiki_qa", "rgb_zh", "rgb_zh_fact"}},
      {"rgb_zh", {"rgb_zh", "zhwiki_qa"}},
      {"rgb_zh_fact", {"rgb_zh_fact", "zhwiki_qa"}},
      {"rgb_zh_int", {"rgb_zh_int"}},
  };
  const auto analyzer = indexer::MakeAnalyzer();
  for (const Pairing& pairing : pairings) {
    std::vector<indexer::Document> documents;
    for (const Json& line : ReadLines(data + "/" + pairing.corpus + "/corpus.jsonl")) {
      documents.push_back({.id = line["_id"], .title = line["title"], .text = line["text"]});
    }
    if (documents.empty()) {
      std::fprintf(stderr, "no documents in %s/%s\n", data.c_str(), pairing.corpus.c_str());
      return 1;
    }
    testing::OverlapRetriever retriever(std::move(documents));
    for (const std::string& set : pairing.questions) {
      std::vector<Json> questions = ReadLines(data + "/" + set + "/queries.jsonl");
      std::shuffle(questions.begin(), questions.end(), std::mt19937(7));
      if (questions.size() > limit) questions.resize(limit);
      Print(set + " over " + pairing.corpus, Measure(&retriever, *analyzer, questions));
    }
  }
  return 0;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: extract_quality DATA [QUESTIONS_A_SET]\n");
    return 2;
  }
  return citeseek::Run(argv[1], argc > 2 ? std::stoul(argv[2]) : 250);
}
