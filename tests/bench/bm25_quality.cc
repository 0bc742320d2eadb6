// bm25_quality: turns a folder of BEIR sets into a table of retrieval quality beside Lucene's.
//
// usage: bm25_quality DATA_DIR [--k1 X,..] [--b X,..] [--document W,..] [--dense W,..] [SET...]
//
// Every document is cut into passages; each passage is indexed with its document's title; a
// document scores as its best passage plus W times itself as a whole. Everything is in memory and
// brute force: this measures the analyzer, the passages and the weights, not the index.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "indexer/analyzer.h"
#include "indexer/document.h"
#include "inference/embedder.h"
#include "retrieval/evaluation.h"

namespace {

using citeseek::indexer::Analyzer;
using citeseek::indexer::ByteRange;
using citeseek::indexer::Term;
using citeseek::inference::Embedder;
using citeseek::inference::EmbedKind;
using citeseek::retrieval::Judgements;
using citeseek::retrieval::Metrics;

// One setting of everything that is not in the index.
struct Setting {
  double k1 = 1.0, b = 0.4;
  double document = 0;  // weight of the whole document's BM25
  double dense = 0;     // weight of the dense leg
};

struct Total {
  Metrics sum;
  double queries = 0;
};

// nDCG@10 of the better of Lucene's analyzers and parameters, all terms OR, documents whole.
const std::map<std::string, double> kLucene = {
    {"cacm", 0.4082},        {"chunking_eval", 0.9893}, {"cppdocs_pages", 0.6570},
    {"cranfield", 0.3557},   {"crud_zh", 0.7138},       {"enwiki_qa", 0.9126},
    {"npl", 0.4384},         {"rgb_en_fact", 0.3508},   {"rgb_zh", 0.6913},
    {"rgb_zh_fact", 0.4311}, {"rgb_zh_int", 0.4841},    {"zhwiki_qa", 0.9759}};

class Bm25 {
 public:
  void Add(const std::vector<Term>& title, const std::vector<Term>& body) {
    const auto unit = static_cast<std::uint32_t>(lengths_.size());
    for (const auto* terms : {&title, &body}) {
      for (const Term& term : *terms) {
        auto& list = postings_[term.text];
        if (list.empty() || list.back().first != unit) list.emplace_back(unit, 0);
        ++list.back().second;
      }
    }
    lengths_.push_back(static_cast<std::uint32_t>(title.size() + body.size()));
    total_ += lengths_.back();
  }

  std::vector<float> Score(const std::vector<Term>& query, double k1, double b) const {
    std::vector<float> scores(lengths_.size());
    const double mean = static_cast<double>(total_) / static_cast<double>(lengths_.size());
    for (const Term& term : query) {
      const auto found = postings_.find(term.text);
      if (found == postings_.end()) continue;
      const double n = static_cast<double>(found->second.size());
      const double idf = std::log(1 + (static_cast<double>(lengths_.size()) - n + 0.5) / (n + 0.5));
      for (const auto& [unit, frequency] : found->second) {
        const double norm = k1 * (1 - b + b * lengths_[unit] / mean);
        scores[unit] += static_cast<float>(idf * frequency * (k1 + 1) / (frequency + norm));
      }
    }
    return scores;
  }

 private:
  std::unordered_map<std::string, std::vector<std::pair<std::uint32_t, std::uint32_t>>> postings_;
  std::vector<std::uint32_t> lengths_;
  std::uint64_t total_ = 0;
};

template <typename Sink>
void ReadLines(const std::string& path, const Sink& sink) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) sink(line);
  }
}

struct Set {
  std::vector<std::string> documents;     // ids
  std::vector<std::uint32_t> passage_of;  // passage -> document
  std::vector<float> vectors;             // [passages, dimension]
  Bm25 passages;
  Bm25 whole;
  double analyze_mb_per_s = 0;
  double embed_mb_per_s = 0;
};

// CPU seconds of this thread, the only one: other work on the machine does not count.
double Now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void Embed(Embedder& embedder, const std::vector<std::string>& texts, EmbedKind kind,
           std::vector<float>& out) {
  const std::size_t before = out.size();
  out.resize(before + texts.size() * static_cast<std::size_t>(embedder.Dimension()));
  const auto status =
      embedder.Embed({.texts = texts, .kind = kind}, std::span(out).subspan(before));
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
}

Set Load(const std::string& folder, const Analyzer& analyzer, Embedder& embedder, bool dense) {
  Set set;
  double analyze = 0, embed = 0, bytes = 0;
  ReadLines(folder + "/corpus.jsonl", [&](const std::string& line) {
    const auto json = nlohmann::json::parse(line);
    const std::string title = json.value("title", ""), text = json.value("text", "");
    const auto document = static_cast<std::uint32_t>(set.documents.size());
    set.documents.push_back(json.at("_id"));
    const auto title_terms = analyzer.Analyze(title);
    set.whole.Add(title_terms, analyzer.Analyze(text));
    std::vector<ByteRange> ranges = citeseek::indexer::SplitIntoPassages(text);
    if (ranges.empty()) ranges.push_back({});
    std::vector<std::string> texts;
    for (const ByteRange& range : ranges) {
      texts.push_back(text.substr(range.start, range.end - range.start));
      const double start = Now();
      const auto terms = analyzer.Analyze(texts.back());
      analyze += Now() - start;
      set.passages.Add(title_terms, terms);
      set.passage_of.push_back(document);
      texts.back() = title + "\n" + texts.back();
    }
    bytes += static_cast<double>(text.size());
    if (!dense) return;
    const double start = Now();
    Embed(embedder, texts, EmbedKind::kPassage, set.vectors);
    embed += Now() - start;
  });
  set.analyze_mb_per_s = bytes / 1e6 / analyze;
  set.embed_mb_per_s = embed > 0 ? bytes / 1e6 / embed : 0;
  return set;
}

std::vector<std::string> Rank(const Set& set, const std::vector<float>& scores) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t d = 0; d < scores.size(); ++d) {
    if (scores[d] > 0) order.push_back(d);
  }
  const std::size_t top = std::min<std::size_t>(order.size(), 100);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(),
                    [&](std::uint32_t a, std::uint32_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                    });
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < top; ++i) ids.push_back(set.documents[order[i]]);
  return ids;
}

// The best passage's score of each document.
std::vector<float> BestPassage(const Set& set, const std::vector<float>& passages) {
  std::vector<float> best(set.documents.size());
  for (std::size_t p = 0; p < passages.size(); ++p) {
    best[set.passage_of[p]] = std::max(best[set.passage_of[p]], passages[p]);
  }
  return best;
}

std::vector<float> Dots(const Set& set, const std::vector<float>& query) {
  std::vector<float> dots(set.passage_of.size());
  for (std::size_t p = 0; p < dots.size(); ++p) {
    const float* row = set.vectors.data() + p * query.size();
    for (std::size_t i = 0; i < query.size(); ++i) dots[p] += query[i] * row[i];
  }
  return dots;
}

std::map<std::string, Judgements> ReadJudgements(const std::string& path) {
  std::map<std::string, Judgements> judgements;
  ReadLines(path, [&](const std::string& line) {
    const std::size_t a = line.find('\t'), b = line.find('\t', a + 1);
    const int grade = std::atoi(line.c_str() + b + 1);
    if (grade > 0) judgements[line.substr(0, a)][line.substr(a + 1, b - a - 1)] = grade;
  });
  return judgements;
}

// The terms that say what is asked, or all if none does.
std::vector<Term> QueryTerms(const Analyzer& analyzer, const std::string& text) {
  std::vector<Term> all = analyzer.Analyze(text), kept;
  for (const Term& term : all) {
    if (!citeseek::indexer::IsStopTerm(term.text)) kept.push_back(term);
  }
  return kept.empty() ? all : kept;
}

std::vector<Total> Measure(const std::string& folder, const Set& set, const Analyzer& analyzer,
                           Embedder& embedder, const std::vector<Setting>& settings) {
  const auto judgements = ReadJudgements(folder + "/qrels.tsv");
  std::vector<Total> totals(settings.size());
  ReadLines(folder + "/queries.jsonl", [&](const std::string& line) {
    const auto json = nlohmann::json::parse(line);
    const auto judged = judgements.find(json.at("_id").get<std::string>());
    if (judged == judgements.end()) return;
    const std::string text = json.at("text");
    const auto terms = QueryTerms(analyzer, text);
    std::vector<float> dense;
    if (!set.vectors.empty()) {
      std::vector<float> query;
      Embed(embedder, {text}, EmbedKind::kQuery, query);
      dense = BestPassage(set, Dots(set, query));
    }
    std::vector<float> passages, whole;
    for (std::size_t i = 0; i < settings.size(); ++i) {
      const Setting& s = settings[i];
      if (i == 0 || s.k1 != settings[i - 1].k1 || s.b != settings[i - 1].b) {
        passages = BestPassage(set, set.passages.Score(terms, s.k1, s.b));
        whole = set.whole.Score(terms, s.k1, s.b);
      }
      std::vector<float> scores = passages;
      for (std::size_t d = 0; d < scores.size(); ++d) {
        scores[d] += static_cast<float>(s.document) * whole[d];
      }
      if (s.dense > 0) {
        const float best = std::max(1e-6f, *std::max_element(scores.begin(), scores.end()));
        const auto w = static_cast<float>(s.dense);
        for (std::size_t d = 0; d < scores.size(); ++d) {
          scores[d] = (1 - w) * scores[d] / best + w * dense[d];
        }
      }
      const Metrics m = citeseek::retrieval::Evaluate(Rank(set, scores), judged->second);
      totals[i].sum.ndcg10 += m.ndcg10;
      totals[i].sum.recall100 += m.recall100;
      totals[i].sum.mrr10 += m.mrr10;
      ++totals[i].queries;
    }
  });
  return totals;
}

std::vector<double> Numbers(const std::string& list) {
  std::vector<double> numbers;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    numbers.push_back(std::atof(list.substr(at, end - at).c_str()));
    at = end + 1;
  }
  return numbers;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::vector<double>> grid = {
      {"--k1", {1.0}}, {"--b", {0.4}}, {"--document", {0}}, {"--dense", {0}}};
  std::string data;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    if (grid.contains(argv[i]) && i + 1 < argc) {
      grid[argv[i]] = Numbers(argv[i + 1]);
      ++i;
    } else if (data.empty()) {
      data = argv[i];
    } else {
      names.emplace_back(argv[i]);
    }
  }
  if (names.empty()) {
    for (const auto& [name, ndcg10] : kLucene) names.push_back(name);
  }
  std::vector<Setting> settings;
  bool dense = false;
  for (const double k1 : grid["--k1"]) {
    for (const double b : grid["--b"]) {
      for (const double document : grid["--document"]) {
        for (const double w : grid["--dense"]) {
          settings.push_back({.k1 = k1, .b = b, .document = document, .dense = w});
          dense = dense || w > 0;
        }
      }
    }
  }
  const auto analyzer = citeseek::indexer::MakeAnalyzer();
  const auto embedder = citeseek::inference::MakeHashingEmbedder();
  std::vector<double> mean(settings.size()), worst(settings.size(), 1);
  std::printf("%-14s %9s %9s  %4s %4s %4s %5s  %7s %7s %7s %7s\n", "set", "documents", "passages",
              "k1", "b", "doc", "dense", "nDCG@10", "-Lucene", "R@100", "MRR@10");
  for (const std::string& name : names) {
    const std::string folder = data + "/" + name;
    const Set set = Load(folder, *analyzer, *embedder, dense);
    const auto totals = Measure(folder, set, *analyzer, *embedder, settings);
    for (std::size_t i = 0; i < settings.size(); ++i) {
      const auto& [sum, queries] = totals[i];
      const auto lucene = kLucene.find(name);
      const double ndcg10 = sum.ndcg10 / queries;
      const double gain = lucene == kLucene.end() ? 0 : ndcg10 - lucene->second;
      mean[i] += ndcg10 / static_cast<double>(names.size());
      worst[i] = std::min(worst[i], gain);
      std::printf("%-14s %9zu %9zu  %4.2f %4.2f %4.2f %5.3f  %7.4f %+7.4f %7.4f %7.4f\n",
                  name.c_str(), set.documents.size(), set.passage_of.size(), settings[i].k1,
                  settings[i].b, settings[i].document, settings[i].dense, ndcg10, gain,
                  sum.recall100 / queries, sum.mrr10 / queries);
    }
    std::printf("  %s: analyze %.1f MB/s, embed %.1f MB/s\n", name.c_str(), set.analyze_mb_per_s,
                set.embed_mb_per_s);
    std::fflush(stdout);
  }
  for (std::size_t i = 0; i < settings.size(); ++i) {
    std::printf("mean of sets   %19s  %4.2f %4.2f %4.2f %5.3f  %7.4f  worst %+.4f\n", "",
                settings[i].k1, settings[i].b, settings[i].document, settings[i].dense, mean[i],
                worst[i]);
  }
}
