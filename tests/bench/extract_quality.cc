// extract_quality: how often the extract holds the answer, and how often it is refused.
//
//   extract_quality DATA [QUESTIONS_A_SET [INDEXES]]
//
// DATA holds <set>/{corpus,queries}.jsonl. Every set is asked over its own corpus (recall: an
// accepted answer occurs in the extracted sentences), some over another set's (far: the documents
// do not hold the answers), and those of RGB each over its own negative passages alone (near: about
// the matter, without the answer). The index, analyzer and embedder are those of the product; the
// indexes are made in INDEXES, and kept there, or in a temporary directory.
#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "services/gateway/extract.h"
#include "services/gateway/reading.h"
#include "tests/bench/question_sets.h"
#include "tests/support/temp_directory.h"

namespace citeseek {
namespace {

struct Counts {
  int asked = 0, answered = 0, found = 0, possible = 0, refused_possible = 0, disagreements = 0;
  std::size_t sentences = 0, bytes = 0;
};

void Print(const std::string& name, const Counts& counts) {
  const auto percent = [](int part, int whole) { return whole == 0 ? 0 : 100.0 * part / whole; };
  const double answered = std::max(1, counts.answered);
  std::printf(
      "%-28s %4d asked, refused %5.1f %%; answer in passages %5.1f %%, of these in the extract "
      "%5.1f %%, refused %5.1f %%; %.1f sentences, %.0f bytes; disagree %.1f %%\n",
      name.c_str(), counts.asked, percent(counts.asked - counts.answered, counts.asked),
      percent(counts.possible, counts.asked), percent(counts.found, counts.possible),
      percent(counts.refused_possible, counts.possible),
      static_cast<double>(counts.sentences) / answered,
      static_cast<double>(counts.bytes) / answered, percent(counts.disagreements, counts.answered));
  std::fflush(stdout);
}

// The scope of a question: its own collection, where each has one.
enum class Scope { kAll, kOwnCollection };

Counts Measure(retrieval::Retriever& retriever, const indexer::Analyzer& analyzer,
               const std::vector<Json>& questions, Scope scope = Scope::kAll) {
  Counts counts;
  for (const Json& question : questions) {
    const std::string text = question["text"];
    const std::string collection =
        scope == Scope::kOwnCollection ? question["_id"].get<std::string>() : "";
    const gateway::Question asked{.text = text, .top_k = kPassages, .collection = collection};
    retrieval::Result result = OrDie(retriever.Search(gateway::ReadingQuery(asked)));
    gateway::ChooseHits(asked, &result.hits);
    gateway::Evidence evidence(result.hits, analyzer);
    const auto extract = gateway::ExtractAnswer(text, gateway::ReadCues(text), &evidence);
    std::string passages, extracted;
    for (const retrieval::Hit& hit : result.hits) passages += hit.text + "\n";
    for (const gateway::ExtractedSentence& sentence : extract.sentences) {
      const std::string& source = result.hits[static_cast<std::size_t>(sentence.source)].text;
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
    counts.disagreements += extract.disagreement.empty() ? 0 : 1;
    counts.sentences += extract.sentences.size();
    counts.bytes += extracted.size();
  }
  return counts;
}

int Run(const std::string& data, std::size_t limit, const std::string& indexes) {
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
      {"crud_zh", {"crud_zh"}},
  };
  const auto analyzer = indexer::MakeAnalyzer();
  const auto embedder = inference::MakeHashingEmbedder();
  const auto read_questions = [&](const std::string& set) {
    std::vector<Json> questions = ReadLines(data + "/" + set + "/queries.jsonl");
    std::erase_if(questions, [](const Json& question) { return question["text"] == ""; });
    std::shuffle(questions.begin(), questions.end(), std::mt19937(7));
    if (questions.size() > limit) questions.resize(limit);
    return questions;
  };
  for (const Pairing& pairing : pairings) {
    Index index(indexes + "/" + pairing.corpus, ReadDocuments(data, pairing.corpus), *analyzer,
                embedder.get());
    for (const std::string& set : pairing.questions) {
      Print(set + " over " + pairing.corpus,
            Measure(index.retriever(), *analyzer, read_questions(set)));
    }
  }
  for (const std::string set : {"rgb_zh", "rgb_zh_fact", "rgb_zh_int", "rgb_en_fact"}) {
    Index index(indexes + "/" + set + "_near", ReadNegatives(data, set), *analyzer, embedder.get());
    Print(set + " near",
          Measure(index.retriever(), *analyzer, read_questions(set), Scope::kOwnCollection));
  }
  return 0;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: extract_quality DATA [QUESTIONS_A_SET [INDEXES]]\n");
    return 2;
  }
  const citeseek::TempDirectory temporary;
  return citeseek::Run(argv[1], argc > 2 ? std::stoul(argv[2]) : 250,
                       argc > 3 ? argv[3] : temporary.path().string());
}
