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
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "indexer/indexer.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"
#include "retrieval/hybrid_retriever.h"
#include "services/gateway/extract.h"
#include "services/gateway/reading.h"
#include "tests/support/temp_directory.h"

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

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "extract_quality: %s\n", value.status().ToString().c_str());
  std::exit(1);
}

// A real index of documents, made if the directory does not hold it yet.
class Index {
 public:
  Index(const std::string& directory, const std::vector<indexer::Document>& documents,
        const indexer::Analyzer& analyzer, inference::Embedder* embedder) {
    if (!std::filesystem::exists(directory)) {
      const auto index = OrDie(indexer::OpenIndexer(
          {.directory = directory, .analyzer = &analyzer, .embedder = embedder}));
      OrDie(index->Add({.documents = documents}));
      OrDie(index->Commit({}));
    }
    snapshots_ = OrDie(indexer::OpenSnapshotSource(directory));
    retriever_ = retrieval::MakeHybridRetriever(
        {.snapshots = snapshots_.get(), .analyzer = &analyzer, .embedder = embedder});
  }
  retrieval::Retriever& retriever() { return *retriever_; }

 private:
  std::unique_ptr<indexer::SnapshotSource> snapshots_;
  std::unique_ptr<retrieval::Retriever> retriever_;
};

constexpr int kPassages = 8;

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
    retrieval::Result result =
        OrDie(retriever.Search({.text = gateway::SearchText(text),
                                .top_k = gateway::PassagesWanted(kPassages),
                                .collection = collection,
                                .each_passage = true}));
    gateway::KeepPassages(kPassages, &result.hits);
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
  const auto read_documents = [&](const std::string& set) {
    std::vector<indexer::Document> documents;
    for (const Json& line : ReadLines(data + "/" + set + "/corpus.jsonl")) {
      documents.push_back({.id = line["_id"], .title = line["title"], .text = line["text"]});
    }
    if (documents.empty()) {
      std::fprintf(stderr, "no documents in %s/%s\n", data.c_str(), set.c_str());
      std::exit(1);
    }
    return documents;
  };
  for (const Pairing& pairing : pairings) {
    Index index(indexes + "/" + pairing.corpus, read_documents(pairing.corpus), *analyzer,
                embedder.get());
    for (const std::string& set : pairing.questions) {
      Print(set + " over " + pairing.corpus,
            Measure(index.retriever(), *analyzer, read_questions(set)));
    }
  }
  for (const std::string set : {"rgb_zh", "rgb_zh_fact", "rgb_zh_int", "rgb_en_fact"}) {
    std::unordered_map<std::string, indexer::Document> by_id;
    for (indexer::Document& document : read_documents(set)) by_id[document.id] = document;
    std::vector<indexer::Document> documents;
    const std::vector<Json> all = ReadLines(data + "/" + set + "/queries.jsonl");
    for (const Json& question : all) {
      for (const std::string id : question["negative"]) {
        documents.push_back(by_id[id]);
        documents.back().collection = question["_id"];
      }
    }
    Index index(indexes + "/" + set + "_near", documents, *analyzer, embedder.get());
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
