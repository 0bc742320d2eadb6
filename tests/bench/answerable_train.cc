// answerable_train: makes services/gateway/answerable_trees.cc, and says how well such trees do on
// questions and sets that they have not seen.
//
//   answerable_train DATA INDEXES [TREES.cc]
//
// DATA holds <set>/{corpus,queries}.jsonl and qrels.tsv. A case is a question with the passages
// that an answer would read: over its own corpus (answerable, if a passage holds an accepted
// answer), over that corpus without its relevant documents (near), over RGB's negative passages of
// it (near), over another set's corpus (far); and some of these with only 1 to 4 of their passages,
// as small collections give. Written are the trees of one half of the questions. Figures: four
// folds by question, each judged by trees of the others; and each family of sets judged by trees of
// the other families. Fixed seeds: the same data give the same trees.
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "services/gateway/extract.h"
#include "services/gateway/reading.h"
#include "tests/bench/question_sets.h"

namespace citeseek {
namespace {

using gateway::AnswerFeatures;
using gateway::AnswerTree;
using gateway::kAnswerFeatures;
using gateway::kTreeNodes;

struct Case {
  std::string set, kind;  // kind: own, near, negative, far; "few" behind it for 1 to 4 passages
  unsigned fold = 0;      // [0, 4), of the question
  bool answerable = false;
  AnswerFeatures features{};
  double weight = 1;
};

unsigned Hash(const std::string& text) {
  unsigned hash = 2166136261u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash ^ (hash >> 15);
}

class Cases {
 public:
  Cases(std::string data, std::string indexes) : data_(std::move(data)), indexes_(indexes) {}

  std::vector<Case> Make() {
    struct Corpus {
      std::string set;
      std::size_t most;
      std::vector<std::string> far;
    };
    for (const Corpus& corpus : std::vector<Corpus>{{"enwiki_qa", 400, {"chunking_eval"}},
                                                    {"rgb_en_fact", 400, {"enwiki_qa"}},
                                                    {"chunking_eval", 400, {"enwiki_qa"}},
                                                    {"zhwiki_qa", 400, {"crud_zh"}},
                                                    {"rgb_zh", 400, {"zhwiki_qa"}},
                                                    {"rgb_zh_fact", 400, {"zhwiki_qa"}},
                                                    {"rgb_zh_int", 400, {"crud_zh"}},
                                                    {"crud_zh", 400, {"zhwiki_qa"}},
                                                    {"cppdocs_pages", 200, {}},
                                                    {"cranfield", 200, {}},
                                                    {"npl", 100, {}}}) {
      Index index(indexes_ + "/" + corpus.set, ReadDocuments(data_, corpus.set), *analyzer_,
                  embedder_.get());
      const auto relevant = ReadJudgements(corpus.set);
      for (const Json& question : Questions(corpus.set, corpus.most)) {
        AddOwn(corpus.set, question, relevant.at(question["_id"]), index.retriever());
      }
      for (const std::string& far : corpus.far) {
        for (const Json& question : Questions(far, 150)) {
          AddUnanswerable(far, "far", question, Search(question, index.retriever(), ""));
        }
      }
    }
    for (const std::string set : {"rgb_zh", "rgb_zh_fact", "rgb_zh_int", "rgb_en_fact"}) {
      Index index(indexes_ + "/" + set + "_near", ReadNegatives(data_, set), *analyzer_,
                  embedder_.get());
      for (const Json& question : Questions(set, 400)) {
        AddUnanswerable(set, "negative", question,
                        Search(question, index.retriever(), question["_id"]));
      }
    }
    return std::move(cases_);
  }

 private:
  using Hits = std::vector<retrieval::Hit>;

  std::vector<Json> Questions(const std::string& set, std::size_t most) {
    std::vector<Json> questions = ReadLines(data_ + "/" + set + "/queries.jsonl");
    std::erase_if(questions, [](const Json& question) { return question["text"] == ""; });
    std::shuffle(questions.begin(), questions.end(), std::mt19937(7));
    if (questions.size() > most) questions.resize(most);
    return questions;
  }

  std::map<std::string, std::set<std::string>> ReadJudgements(const std::string& set) {
    std::map<std::string, std::set<std::string>> relevant;
    std::ifstream in(data_ + "/" + set + "/qrels.tsv");
    std::string query, document, score;
    std::getline(in, query);
    while (std::getline(in, query, '\t') && std::getline(in, document, '\t') &&
           std::getline(in, score)) {
      auto& documents = relevant[query];
      if (std::stod(score) > 0) documents.insert(document);
    }
    return relevant;
  }

  Hits Search(const Json& question, retrieval::Retriever& retriever, const std::string& collection,
              std::size_t more = 0) {
    const std::string text = question["text"];
    const int wanted = gateway::PassagesWanted(kPassages) + static_cast<int>(more);
    return OrDie(retriever.Search({.text = gateway::SearchText(text),
                                   .top_k = std::min(wanted, retrieval::kMaxTopK),
                                   .collection = collection,
                                   .each_passage = true}))
        .hits;
  }

  static bool Holds(const Json& question, const Hits& hits) {
    std::string passages;
    for (const retrieval::Hit& hit : hits) passages += hit.text + "\n";
    for (const char* answers : {"answers", "references"}) {
      if (question.contains(answers)) return HoldsAnswer(question[answers], Plain(passages));
    }
    return false;
  }

  void Add(const std::string& set, const std::string& kind, const Json& question, bool answerable,
           const Hits& hits) {
    const std::string text = question["text"];
    gateway::Evidence evidence(hits, *analyzer_);
    const gateway::QuestionCues cues = gateway::ReadCues(text);
    const gateway::Extract extract = gateway::ExtractAnswer(text, cues, &evidence);
    cases_.push_back({.set = set,
                      .kind = kind,
                      .fold = Hash(text) % 4,
                      .answerable = answerable,
                      .features = extract.features});
  }

  // Some of the hits, in their order; `first` among them.
  Hits Few(const Hits& hits, std::size_t first) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < hits.size(); ++i) {
      if (i != first) order.push_back(i);
    }
    std::shuffle(order.begin(), order.end(), random_);
    order.resize(std::min<std::size_t>(order.size(), random_() % 4));
    order.push_back(first);
    std::sort(order.begin(), order.end());
    Hits few;
    for (std::size_t i : order) few.push_back(hits[i]);
    return few;
  }

  void AddOwn(const std::string& set, const Json& question, const std::set<std::string>& relevant,
              retrieval::Retriever& retriever) {
    Hits own = Search(question, retriever, "", 3 * relevant.size());
    Hits others = own;
    own.resize(std::min<std::size_t>(own.size(), gateway::PassagesWanted(kPassages)));
    gateway::KeepPassages(kPassages, &own);
    const auto best = std::find_if(own.begin(), own.end(), [&](const retrieval::Hit& hit) {
      return relevant.contains(hit.document_id);
    });
    const bool answers = question.contains("answers") || question.contains("references");
    if (best != own.end() && (!answers || Holds(question, own))) {
      Add(set, "own", question, true, own);
      const Hits few = Few(own, static_cast<std::size_t>(best - own.begin()));
      if (!answers || Holds(question, few)) Add(set, "own few", question, true, few);
    }
    if (!answers) return;
    std::set<std::string> dropped = relevant;
    if (question.contains("positive_wrong")) {
      for (const std::string id : question["positive_wrong"]) dropped.insert(id);
    }
    std::erase_if(others, [&](const retrieval::Hit& hit) {
      if (!question.contains("spans")) return dropped.contains(hit.document_id);
      if (hit.document_id != question["corpus"]) return false;
      const auto& spans = question["spans"];
      return std::any_of(spans.begin(), spans.end(), [&](const Json& span) {
        return hit.start < span[1].get<std::size_t>() &&
               span[0].get<std::size_t>() < hit.start + hit.text.size();
      });
    });
    AddUnanswerable(set, "near", question, others);
  }

  // Not if a passage holds the answer by chance, or has more of it than was judged.
  void AddUnanswerable(const std::string& set, const std::string& kind, const Json& question,
                       Hits hits) {
    gateway::KeepPassages(kPassages, &hits);
    if (hits.empty() || Holds(question, hits)) return;
    Add(set, kind, question, false, hits);
    if (kind != "far") Add(set, kind + " few", question, false, Few(hits, random_() % hits.size()));
  }

  const std::string data_, indexes_;
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  const std::unique_ptr<inference::Embedder> embedder_ = inference::MakeHashingEmbedder();
  std::mt19937 random_{3};
  std::vector<Case> cases_;
};

// Each set and kind counts by the root of its size; both outcomes count the same together.
void Weigh(std::vector<Case*>* cases) {
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const Case* c : *cases) ++counts[{c->set, c->kind}];
  double sums[2] = {0, 0};
  for (Case* c : *cases) {
    const double importance = c->kind == "far" ? 0.7 : c->kind.starts_with("negative") ? 1.5 : 1;
    c->weight = importance / std::sqrt(counts[{c->set, c->kind}]);
    sums[c->answerable ? 1 : 0] += c->weight;
  }
  for (Case* c : *cases) c->weight *= static_cast<double>(cases->size()) / 2 / sums[c->answerable];
}

// Boosting of the logistic loss; Newton steps, limits at quantiles, a part of the cases and of the
// features for each tree (Friedman 2001, 2002).
constexpr int kTrees = 80;
constexpr int kLimits = 24;
constexpr double kStep = 0.08;
constexpr double kCasesOfATree = 0.6;
constexpr double kFeaturesOfATree = 0.4;
constexpr std::size_t kLeastCases = 15;
constexpr double kShrink = 3;

std::vector<AnswerTree> Train(std::vector<Case*> cases) {
  Weigh(&cases);
  std::vector<std::vector<float>> limits(kAnswerFeatures);
  for (std::size_t f = 0; f < kAnswerFeatures; ++f) {
    std::vector<float> values;
    for (const Case* c : cases) values.push_back(c->features[f]);
    std::sort(values.begin(), values.end());
    for (int i = 1; i < kLimits; ++i) {
      limits[f].push_back(values[values.size() * static_cast<std::size_t>(i) / kLimits]);
    }
    limits[f].erase(std::unique(limits[f].begin(), limits[f].end()), limits[f].end());
  }
  std::mt19937 random(5);
  const auto chance = [&](double share) {
    return static_cast<double>(random()) < share * 4294967296.0;
  };
  std::vector<double> odds(cases.size());
  std::vector<AnswerTree> trees;
  for (int t = 0; t < kTrees; ++t) {
    struct Pull {  // of the loss
      double slope = 0, bend = 0;
      std::size_t cases = 0;
      double Gain() const { return slope * slope / (bend + kShrink); }
    };
    std::vector<Pull> pull(cases.size());
    std::vector<std::vector<std::size_t>> held(2 * kTreeNodes + 1);  // cases, by node
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const double p = 1 / (1 + std::exp(-odds[i]));
      pull[i] = {cases[i]->weight * (cases[i]->answerable - p), cases[i]->weight * p * (1 - p), 1};
      if (chance(kCasesOfATree)) held[0].push_back(i);
    }
    std::vector<bool> use(kAnswerFeatures);
    for (std::size_t f = 0; f < kAnswerFeatures; ++f) use[f] = chance(kFeaturesOfATree);
    AnswerTree tree{};
    for (std::size_t node = 0; node < kTreeNodes; ++node) {
      tree.limit[node] = 1e9f;  // all go left, unless there is something to gain
      double best = 0;
      for (std::size_t f = 0; f < kAnswerFeatures; ++f) {
        if (!use[f]) continue;
        std::vector<Pull> bins(limits[f].size() + 1);
        Pull all;
        const auto join = [](const Pull& from, Pull* to) {
          to->slope += from.slope;
          to->bend += from.bend;
          to->cases += from.cases;
        };
        for (std::size_t i : held[node]) {
          const auto bin =
              std::lower_bound(limits[f].begin(), limits[f].end(), cases[i]->features[f]) -
              limits[f].begin();
          join(pull[i], &bins[static_cast<std::size_t>(bin)]);
          join(pull[i], &all);
        }
        Pull left;
        for (std::size_t bin = 0; bin < limits[f].size(); ++bin) {
          join(bins[bin], &left);
          const Pull right{all.slope - left.slope, all.bend - left.bend, all.cases - left.cases};
          if (left.cases < kLeastCases || right.cases < kLeastCases) continue;
          const double gain = left.Gain() + right.Gain() - all.Gain();
          if (gain <= best) continue;
          best = gain;
          tree.feature[node] = static_cast<std::uint8_t>(f);
          tree.limit[node] = limits[f][bin];
        }
      }
      for (std::size_t i : held[node]) {
        const bool right = cases[i]->features[tree.feature[node]] > tree.limit[node];
        held[2 * node + (right ? 2 : 1)].push_back(i);
      }
    }
    for (std::size_t leaf = 0; leaf <= kTreeNodes; ++leaf) {
      Pull sum;
      for (std::size_t i : held[kTreeNodes + leaf]) {
        sum.slope += pull[i].slope;
        sum.bend += pull[i].bend;
      }
      tree.leaf[leaf] = static_cast<float>(kStep * sum.slope / (sum.bend + kShrink));
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const double p = gateway::Confidence({&tree, 1}, cases[i]->features);
      odds[i] += std::log(p / (1 - p));
    }
    trees.push_back(tree);
  }
  return trees;
}

struct Judged {
  const Case* of;
  double confidence;
};

// For several limits: the share refused of each set and kind.
void Report(const char* title, const std::vector<Judged>& judged) {
  std::printf("\n%s: refused, %%, where the confidence is below\n", title);
  const std::vector<double> limits = {0.15, 0.20, 0.22, 0.24, 0.30, 0.35, 0.40, 0.45, 0.50};
  std::map<std::pair<std::string, std::string>, std::vector<double>> by;
  for (const Judged& j : judged) by[{j.of->set, j.of->kind}].push_back(j.confidence);
  std::printf("%-34s", "");
  for (double limit : limits) std::printf("%6.2f", limit);
  std::printf("\n");
  for (const auto& [name, values] : by) {
    std::printf("%-14s %-13s %5zu ", name.first.c_str(), name.second.c_str(), values.size());
    for (double limit : limits) {
      const auto below =
          std::count_if(values.begin(), values.end(), [&](double value) { return value < limit; });
      std::printf("%6.1f", 100.0 * static_cast<double>(below) / static_cast<double>(values.size()));
    }
    std::printf("\n");
  }
}

template <typename Out>
std::vector<Judged> JudgeHeldOut(std::vector<Case>* cases, int groups, const Out& group_of) {
  std::vector<Judged> judged;
  for (int group = 0; group < groups; ++group) {
    std::vector<Case*> others;
    for (Case& c : *cases) {
      if (group_of(c) != group) others.push_back(&c);
    }
    const std::vector<AnswerTree> trees = Train(others);
    for (const Case& c : *cases) {
      if (group_of(c) == group) judged.push_back({&c, gateway::Confidence(trees, c.features)});
    }
  }
  return judged;
}

void Write(const std::string& path, const std::vector<AnswerTree>& trees) {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    std::exit(1);
  }
  std::fprintf(
      out,
      "// Made by tests/bench/answerable_train.cc: answerable_train DATA INDEXES THIS_FILE\n"
      "#include \"services/gateway/answerable.h\"\n\nnamespace citeseek::gateway {\n"
      "namespace {\n\n// clang-format off\nconstexpr std::array<AnswerTree, %zu> kTrees = {{\n",
      trees.size());
  for (const AnswerTree& tree : trees) {
    std::fprintf(out, "{{");
    for (auto feature : tree.feature) std::fprintf(out, "%d,", feature);
    std::fprintf(out, "},\n {");
    for (float limit : tree.limit) std::fprintf(out, "%#.6gf,", std::min(limit, 9.5f));
    std::fprintf(out, "},\n {");
    for (float leaf : tree.leaf) std::fprintf(out, "%.4ff,", leaf);
    std::fprintf(out, "}},\n");
  }
  std::fprintf(out,
               "}};\n// clang-format on\n\n}  // namespace\n\n"
               "std::span<const AnswerTree> TrainedAnswerTrees() { return kTrees; }\n\n"
               "}  // namespace citeseek::gateway\n");
  std::fclose(out);
}

int Run(const std::string& data, const std::string& indexes, const std::string& path) {
  std::vector<Case> cases = Cases(data, indexes).Make();
  const std::map<std::string, int> families = {
      {"rgb_zh", 0},        {"rgb_zh_int", 0}, {"rgb_zh_fact", 0},
      {"rgb_en_fact", 1},   {"enwiki_qa", 2},  {"zhwiki_qa", 3},
      {"chunking_eval", 4}, {"crud_zh", 5},    {"cppdocs_pages", 6},
      {"cranfield", 6},     {"npl", 6}};
  Report("other questions", JudgeHeldOut(&cases, 4, [](const Case& c) { return int(c.fold); }));
  Report("other families of sets",
         JudgeHeldOut(&cases, 7, [&](const Case& c) { return families.at(c.set); }));
  if (path.empty()) return 0;
  std::vector<Case*> all;
  for (Case& c : cases) all.push_back(&c);
  Write(path, Train(all));
  return 0;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: answerable_train DATA INDEXES [TREES.cc]\n");
    return 2;
  }
  return citeseek::Run(argv[1], argv[2], argc > 3 ? argv[3] : "");
}
