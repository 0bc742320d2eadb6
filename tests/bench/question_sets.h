// QuestionSets: reads the judged sets of ../shared/data and makes real indexes of them, for
// benches.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "indexer/indexer.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"
#include "retrieval/hybrid_retriever.h"

namespace citeseek {

using Json = nlohmann::json;

inline std::vector<Json> ReadLines(const std::string& path) {
  std::vector<Json> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

// Letters, digits and what is not ASCII; in lower case.
inline std::string Plain(std::string_view text) {
  std::string plain;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (c < 0 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.') plain += c;
  }
  return plain;
}

inline bool HoldsAnswer(const Json& answers, const std::string& text) {
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
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
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

inline constexpr int kPassages = 8;  // that an answer reads

inline std::vector<indexer::Document> ReadDocuments(const std::string& data,
                                                    const std::string& set) {
  std::vector<indexer::Document> documents;
  for (const Json& line : ReadLines(data + "/" + set + "/corpus.jsonl")) {
    documents.push_back({.id = line["_id"], .title = line["title"], .text = line["text"]});
  }
  if (documents.empty()) {
    std::fprintf(stderr, "no documents in %s/%s\n", data.c_str(), set.c_str());
    std::exit(1);
  }
  return documents;
}

// The passages of RGB that are about each question's matter and lack its answer; each question's
// are a collection of its own, named after it.
inline std::vector<indexer::Document> ReadNegatives(const std::string& data,
                                                    const std::string& set) {
  std::unordered_map<std::string, indexer::Document> by_id;
  for (indexer::Document& document : ReadDocuments(data, set)) by_id[document.id] = document;
  std::vector<indexer::Document> documents;
  for (const Json& question : ReadLines(data + "/" + set + "/queries.jsonl")) {
    for (const std::string id : question["negative"]) {
      documents.push_back(by_id[id]);
      documents.back().collection = question["_id"];
    }
  }
  return documents;
}

}  // namespace citeseek
