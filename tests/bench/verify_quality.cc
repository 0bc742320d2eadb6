// verify_quality: how often sentences that a passage supports are called so, and swapped ones not.
//
//   verify_quality DATA [tune|held [FAILURES]]
//
// DATA holds <set>/corpus.jsonl. From each of many documents one sentence is taken: as written, in
// a lightly changed form (dates and numbers written otherwise, the time moved, brackets and
// connectives dropped, a pronoun replaced by the title), and with a number, a date, a name, a
// denial, a comparison or its source swapped. The program knows nothing of the verifier's own
// reading of text. Each pair is checked against its passage among seven others. Documents are
// halved by a hash of their id: thresholds were chosen on `tune`, figures are those of `held`.
// FAILURES prints that many wrong verdicts of each kind.
//
// People's own words: the judged questions of two sets, turned into statements by putting the
// answer where the question word stands, against the passage that the question was asked about;
// swapped: with the answer of another question. These are told apart from the pairs above.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "indexer/analyzer.h"
#include "services/gateway/verify.h"

namespace citeseek {
namespace {

struct Document {
  std::string id, title, text;
};

struct Pair {
  std::string kind;
  std::string sentence;
  bool supported = false;
  bool other_source = false;  // it is checked against another passage than its own
};

std::uint64_t Hash(std::string_view text) {  // FNV-1a
  std::uint64_t hash = 14695981039346656037u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

std::vector<Document> Read(const std::string& path) {
  std::vector<Document> documents;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    documents.push_back({json["_id"], json["title"], json["text"]});
  }
  if (documents.empty()) {
    std::fprintf(stderr, "verify_quality: no documents in %s\n", path.c_str());
    std::exit(1);
  }
  return documents;
}

bool IsChinese(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) {
                         return static_cast<unsigned char>(c) >= 0xE4 &&
                                static_cast<unsigned char>(c) <= 0xE9;
                       }) *
             6 >
         static_cast<std::ptrdiff_t>(text.size());
}

void ReplaceFirst(std::string* text, std::string_view from, std::string_view to) {
  const std::size_t at = text->find(from);
  if (at != std::string::npos) text->replace(at, from.size(), to);
}

using Random = std::mt19937_64;

const std::string& Pick(const std::vector<std::string>& from, Random& random) {
  return from[random() % from.size()];
}

const std::vector<std::string> kMonths = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
const std::string kMonth =
    "(January|February|March|April|May|June|July|August|September|October|November|December)";

// ---- Forms that say the same.

std::string LightEnglish(std::string text, const std::string& title, Random& random) {
  static const std::regex us(kMonth + " (\\d{1,2}), (\\d{4})"),
      gb("(\\d{1,2}) " + kMonth + " (\\d{4})"), brackets(" \\([^()]{3,60}\\)"),
      thousands("(\\d),(\\d{3})\\b"), time("^In (\\d{4}), (.+)\\.$"),
      pronoun("^(He|She|It|They) (was|is|were|are|had|has) "),
      opening("^(However|In addition|Moreover|Furthermore|Additionally|Also), (\\w)");
  if (std::regex_search(text, us)) {
    text = std::regex_replace(text, us, "$2 $1 $3");
  } else {
    text = std::regex_replace(text, gb, "$2 $1, $3");
  }
  text = std::regex_replace(text, brackets, "");
  text = std::regex_replace(text, thousands, "$1$2");
  text = std::regex_replace(text, time, "$2 in $1.");
  std::smatch found;
  if (!title.empty() && std::regex_search(text, found, pronoun) &&
      text.find(title) == std::string::npos) {
    text = title + " " + found[2].str() + " " + found.suffix().str();
  }
  text = std::regex_replace(text, opening, "$2");
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{" approximately ", " about "},
                                                                  {" also ", " "},
                                                                  {" began ", " started "},
                                                                  {" located in ", " in "},
                                                                  {" such as ", " like "},
                                                                  {" however,", ""}}) {
    ReplaceFirst(&text, from, to);
  }
  if (random() % 4 == 0) text = "According to the document, " + text;
  return text;
}

std::string HanDigits(const std::string& digits) {
  static const std::array<const char*, 10> han = {"〇", "一", "二", "三", "四",
                                                  "五", "六", "七", "八", "九"};
  std::string text;
  for (char c : digits) text += han[static_cast<std::size_t>(c - '0')];
  return text;
}

std::string LightChinese(std::string text, const std::string& title, Random& random) {
  static const std::regex year("(\\d{4})年"), brackets("（[^（）]{3,90}）"),
      time("^((?:\\d{4}|[^，。]{0,3})年[^，。]{0,12})，(.+)。$");
  std::smatch found;
  text = std::regex_replace(text, brackets, "");
  if (std::regex_search(text, found, time)) {
    text = found[2].str() + "，时间是" + found[1].str() + "。";
  }
  if (random() % 2 == 0 && std::regex_search(text, found, year)) {
    text = found.prefix().str() + HanDigits(found[1]) + "年" + found.suffix().str();
  }
  for (const char* pronoun : {"他", "她", "它", "该"}) {
    if (!title.empty() && text.starts_with(pronoun) && !text.starts_with("他们") &&
        text.substr(0, 3) != "该" && text.find(title) == std::string::npos) {
      text = title + text.substr(3);
    }
  }
  for (const char* word : {"也", "还", "此外，", "同时，", "另外，"}) ReplaceFirst(&text, word, "");
  if (random() % 4 == 0) text = "据文档记载，" + text;
  return text;
}

// ---- Forms that say something else.

std::optional<std::string> SwapNumber(const std::string& text, Random& random) {
  // Digits that are no year and no part of a date.
  static const std::regex number("\\d[\\d,.]*\\d|\\d");
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), number);
       it != std::sregex_iterator(); ++it) {
    const auto at = static_cast<std::size_t>(it->position());
    const auto length = static_cast<std::size_t>(it->length());
    const std::string digits = it->str();
    const bool year = length == 4 && (digits[0] == '1' || digits[0] == '2');
    const std::string after = text.substr(at + length, 3);
    const bool date = after == "年" || after == "月" || after == "日" || after == "号";
    std::smatch month;
    const std::string around = text.substr(at > 12 ? at - 12 : 0, length + 24);
    const bool letter = at > 0 && std::isalpha(static_cast<unsigned char>(text[at - 1])) != 0;
    if (year || date || letter || std::regex_search(around, month, std::regex(kMonth))) continue;
    found.push_back({at, length});
  }
  if (found.empty()) return std::nullopt;
  const auto [at, length] = found[random() % found.size()];
  std::string swapped = text;
  char& digit = swapped[at];
  const char old = digit;
  while (digit == old || digit == '0') digit = static_cast<char>('0' + random() % 10);
  return swapped;
}

std::optional<std::string> SwapDate(const std::string& text, Random& random) {
  static const std::regex year("(^|[^\\d,.])([12]\\d{3})(?=$|[^\\d,.]|[,.]\\D|[,.]$)"),
      month(kMonth + "(?= \\d)"), han("(\\d{1,2})(月|日)");
  std::smatch found;
  const auto kind = random() % 3;
  if (kind == 0 && std::regex_search(text, found, month)) {
    std::string other = found[1];
    while (other == found[1]) other = Pick(kMonths, random);
    return found.prefix().str() + other + found.suffix().str();
  }
  if (kind == 1 && std::regex_search(text, found, han)) {
    const int old = std::stoi(found[1]);
    int other = old;
    while (other == old) other = static_cast<int>(1 + random() % (found[2] == "月" ? 12 : 28));
    return found.prefix().str() + std::to_string(other) + found[2].str() + found.suffix().str();
  }
  if (std::regex_search(text, found, year)) {
    const int shift = static_cast<int>(1 + random() % 30);
    const int other = std::stoi(found[2]) + (random() % 2 == 0 ? shift : -shift);
    return found.prefix().str() + found[1].str() + std::to_string(other) + found.suffix().str();
  }
  return std::nullopt;
}

// Names in the text after its first word.
std::vector<std::string> Names(const std::string& text) {
  std::vector<std::string> names;
  if (IsChinese(text)) {
    static const std::regex title("《[^《》]{3,40}》");
    for (auto it = std::sregex_iterator(text.begin(), text.end(), title);
         it != std::sregex_iterator(); ++it) {
      names.push_back(it->str());
    }
    // Places by their last character, with the two characters before it; people by their title.
    for (const char* suffix :
         {"省", "市", "县", "国", "镇", "岛", "大学", "公司", "教授", "先生", "总统", "将军"}) {
      for (std::size_t at = text.find(suffix); at != std::string::npos;
           at = text.find(suffix, at + 3)) {
        if (at < 6) continue;
        const std::string stem = text.substr(at - 6, 6);
        const bool han = std::all_of(stem.begin(), stem.end(), [](char c) { return c < 0; }) &&
                         static_cast<unsigned char>(stem[0]) >= 0xE4 &&
                         static_cast<unsigned char>(stem[3]) >= 0xE4 &&
                         static_cast<unsigned char>(stem[0]) <= 0xE9 &&
                         static_cast<unsigned char>(stem[3]) <= 0xE9;
        if (han) names.push_back(stem + suffix);
      }
    }
    return names;
  }
  static const std::regex name("[a-z,] ((?:[A-Z][a-z]{2,})(?: [A-Z][a-z]{2,}){0,2})");
  for (auto it = std::sregex_iterator(text.begin(), text.end(), name); it != std::sregex_iterator();
       ++it) {
    const std::string found = (*it)[1];
    if (std::find(kMonths.begin(), kMonths.end(), found) == kMonths.end()) names.push_back(found);
  }
  return names;
}

bool SharesAWord(const std::string& a, const std::string& b) {
  if (a[0] < 0)
    return a.find(b.substr(0, 6)) != std::string::npos ||
           b.find(a.substr(0, 6)) != std::string::npos;
  std::istringstream words(a);
  for (std::string word; words >> word;) {
    if (b.find(word.substr(0, 4)) != std::string::npos) return true;
  }
  return false;
}

std::optional<std::string> SwapName(const std::string& text, const std::vector<std::string>& near,
                                    const std::vector<std::string>& far, Random& random) {
  const std::vector<std::string> names = Names(text);
  if (names.empty()) return std::nullopt;
  const std::string& old = Pick(names, random);
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto& pool = attempt < 10 && random() % 2 == 0 && !near.empty() ? near : far;
    const std::string& other = Pick(pool, random);
    // A person for a person, as far as form can tell.
    const bool title = old.starts_with("《");
    if (other.starts_with("《") != title || text.find(other) != std::string::npos ||
        SharesAWord(old, other) || SharesAWord(other, text)) {
      continue;
    }
    std::string swapped = text;
    ReplaceFirst(&swapped, old, other);
    return swapped;
  }
  return std::nullopt;
}

std::optional<std::string> SwapDenial(const std::string& text) {
  static const std::regex verb(
      "\\b(was|were|is|are|has|had|can|could|will|would) (?!not\\b|no\\b|never\\b)([a-z]+)"),
      denied("\\b(was|were|is|are|has|had|can|could|will|would|did|does|do) not ");
  std::smatch found;
  if (!IsChinese(text)) {
    if (std::regex_search(text, found, denied)) {
      return found.prefix().str() + found[1].str() + " " + found.suffix().str();
    }
    if (std::regex_search(text, found, verb)) {
      return found.prefix().str() + found[1].str() + " not " + found[2].str() +
             found.suffix().str();
    }
    return std::nullopt;
  }
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"没有", "有"},
                                                                  {"并不", ""},
                                                                  {"不能", "能"},
                                                                  {"不会", "会"},
                                                                  {"尚未", "已"},
                                                                  {"位于", "不位于"},
                                                                  {"成为", "没有成为"},
                                                                  {"获得", "没有获得"},
                                                                  {"可以", "不可以"},
                                                                  {"属于", "不属于"},
                                                                  {"进行", "没有进行"},
                                                                  {"得到", "没有得到"},
                                                                  {"参加", "没有参加"},
                                                                  {"担任", "没有担任"},
                                                                  {"包括", "不包括"},
                                                                  {"举行", "没有举行"},
                                                                  {"是", "不是"},
                                                                  {"有", "没有"}}) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos || at < 3) continue;
    // Not inside another word: 总是, 于是, 还是, 只有, 所有, 具有.
    const std::string before = text.substr(at - 3, 3);
    if (std::string_view(from).size() == 3 &&
        std::string_view("总于还只就但可正不没所具拥都也若凡既乃").find(before) !=
            std::string_view::npos) {
      continue;
    }
    if (text.substr(at + 3, 3) == "否" || text.substr(at + 3, 3) == "关") continue;
    std::string swapped = text;
    swapped.replace(at, std::string_view(from).size(), to);
    return swapped;
  }
  return std::nullopt;
}

std::optional<std::string> SwapComparison(const std::string& text) {
  for (const auto& [a, b] :
       std::initializer_list<std::pair<const char*, const char*>>{{" more than ", " less than "},
                                                                  {" higher ", " lower "},
                                                                  {" larger ", " smaller "},
                                                                  {" before ", " after "},
                                                                  {" increased ", " decreased "},
                                                                  {" largest ", " smallest "},
                                                                  {" highest ", " lowest "},
                                                                  {" rose ", " fell "},
                                                                  {" over ", " under "},
                                                                  {"高于", "低于"},
                                                                  {"超过", "不足"},
                                                                  {"增长", "下降"},
                                                                  {"增加", "减少"},
                                                                  {"以上", "以下"},
                                                                  {"之前", "之后"},
                                                                  {"最大", "最小"},
                                                                  {"最高", "最低"},
                                                                  {"上涨", "下跌"},
                                                                  {"提高", "降低"}}) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      const std::size_t at = text.find(from);
      if (at == std::string::npos || text.find(to) != std::string::npos) continue;
      std::string swapped = text;
      swapped.replace(at, std::string_view(from).size(), to);
      return swapped;
    }
  }
  return std::nullopt;
}

// ---- What people asked, as a statement.

struct Asked {
  std::string document, question, answer;
};

std::vector<Asked> ReadAsked(const std::string& folder) {
  std::map<std::string, std::string> judged;
  std::ifstream qrels(folder + "/qrels.tsv");
  std::string query, document, grade;
  std::getline(qrels, query);
  while (qrels >> query >> document >> grade) {
    // Questions that need several documents are left out.
    judged[query] = judged.contains(query) ? "" : document;
  }
  std::vector<Asked> all;
  std::ifstream in(folder + "/queries.jsonl");
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    const auto found = judged.find(json["_id"]);
    if (found == judged.end() || found->second.empty() || json["answers"].empty()) continue;
    const auto& answer = json["answers"][0];
    if (answer.is_string()) all.push_back({found->second, json["text"], answer});
  }
  return all;
}

// The statement that the answer makes of the question; nothing where its form is not plain.
std::optional<std::string> StateChinese(const std::string& question, const std::string& answer) {
  static const std::vector<std::string> words = {
      "什么时候", "哪一年", "哪一天", "什么时间", "什么地方", "什么名字", "哪位", "何时",
      "哪年",     "谁",     "哪里",   "哪儿",     "何处",     "多少",     "什么"};
  for (const char* other : {"为什么", "如何", "怎么", "怎样", "哪些", "是否", "吗", "为何"}) {
    if (question.find(other) != std::string::npos) return std::nullopt;
  }
  if (!question.ends_with("？") && !question.ends_with("?")) return std::nullopt;
  for (const std::string& word : words) {
    const std::size_t at = question.find(word);
    if (at == std::string::npos) continue;
    std::string behind = question.substr(at + word.size());
    behind.resize(behind.size() - (behind.ends_with("？") ? 3 : 1));
    for (const std::string& again : words) {
      if (behind.find(again) != std::string::npos) return std::nullopt;
    }
    // "多少人" and "500人": the unit once.
    if (behind.size() >= 3 && answer.ends_with(behind.substr(0, 3))) behind.erase(0, 3);
    return question.substr(0, at) + answer + behind + "。";
  }
  return std::nullopt;
}

std::optional<std::string> StateEnglish(const std::string& question, const std::string& answer) {
  static const std::regex copula("^(Who|What) (is|was|are|were) (the .+)\\?$"),
      subject("^Who ((?!is |was |are |were |did |do |does )[a-z]+ .+)\\?$"),
      count("^How many (.+)\\?$"), when("^(When|Where|In what year) (did|was|were|is) (.+)\\?$");
  std::smatch found;
  if (std::regex_match(question, found, copula)) {
    return found[3].str() + " " + found[2].str() + " " + answer + ".";
  }
  if (std::regex_match(question, found, subject)) return answer + " " + found[1].str() + ".";
  if (std::regex_match(question, found, count)) return answer + " " + found[1].str() + ".";
  if (std::regex_match(question, found, when)) return found[3].str() + " in " + answer + ".";
  return std::nullopt;
}

// ---- Measuring.

struct Tally {
  int pairs = 0, right = 0, moved = 0, bytes = 0;
};

class Quality {
 public:
  Quality(bool held, int failures) : held_(held), failures_(failures) {}

  void Measure(const std::vector<Document>& documents, std::size_t most) {
    std::vector<std::string> all_names;
    for (std::size_t i = 0; i < documents.size(); i += 7) {
      for (std::string& name : Names(documents[i].text)) all_names.push_back(std::move(name));
    }
    std::size_t taken = 0;
    for (std::size_t i = 0; i < documents.size() && taken < most; ++i) {
      const Document& document = documents[i];
      const std::uint64_t hash = Hash(document.id);
      if ((hash & 1) == (held_ ? 0u : 1u)) continue;
      Random random(hash);
      const auto passage = Cut(document, random);
      if (!passage) continue;
      const std::string sentence = Choose(*passage, random);
      if (sentence.empty()) continue;
      ++taken;
      // The passages of other documents, of which the first stands for a wrong source.
      std::vector<retrieval::Hit> hits = {Hit(document, *passage)};
      for (int attempt = 0; attempt < 100 && hits.size() < 8; ++attempt) {
        const Document& other = documents[random() % documents.size()];
        if (other.id == document.id || other.text.find(sentence) != std::string::npos) continue;
        const auto text = Cut(other, random);
        if (text) hits.push_back(Hit(other, *text));
      }
      const gateway::Evidence evidence(hits, *analyzer_);
      gateway::Verifier verifier(&evidence, analyzer_.get());
      for (const Pair& pair : Pairs(document, sentence, Names(*passage), all_names, random)) {
        Check(pair, hits, &verifier);
      }
    }
  }

  void MeasureAsked(const std::vector<Document>& documents, const std::vector<Asked>& asked,
                    std::size_t most) {
    std::map<std::string, const Document*> by_id;
    for (const Document& document : documents) by_id[document.id] = &document;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < asked.size() && taken < most; ++i) {
      const Asked& one = asked[i];
      const Document& document = *by_id.at(one.document);
      const std::uint64_t hash = Hash(document.id);
      if ((hash & 1) == (held_ ? 0u : 1u)) continue;
      const auto state = [&](const std::string& answer) {
        return IsChinese(one.question) ? StateChinese(one.question, answer)
                                       : StateEnglish(one.question, answer);
      };
      const auto statement = state(one.answer);
      if (!statement || document.text.find(one.answer) == std::string::npos) continue;
      ++taken;
      const std::vector<retrieval::Hit> hits = {Hit(document, document.text)};
      const gateway::Evidence evidence(hits, *analyzer_);
      gateway::Verifier verifier(&evidence, analyzer_.get());
      Check({"+in people's words", *statement, true}, hits, &verifier);
      // An answer of the same kind, as far as its first byte tells.
      const auto kind = [](const std::string& text) {
        const auto c = static_cast<unsigned char>(text[0]);
        return c >= '0' && c <= '9' ? 0 : c < 0x80 ? 1 : 2;
      };
      for (std::size_t step = 1; step < asked.size(); ++step) {
        const std::string& other = asked[(i + step * 7) % asked.size()].answer;
        if (kind(other) != kind(one.answer) ||
            SharesAWord(other + "      ", one.answer + "      ") ||
            document.text.find(other) != std::string::npos || other.size() > 40) {
          continue;
        }
        Check({"-in people's words", *state(other), false}, hits, &verifier);
        break;
      }
    }
  }

  void Print(const char* title) {
    std::map<bool, Tally> all;
    std::printf("%s\n", title);
    for (const auto& [kind, tally] : tallies_) {
      const bool supported = kind[0] == '+';
      std::printf("  %-22s %5d pairs, %5.1f %% %s", kind.c_str() + 1, tally.pairs,
                  100.0 * tally.right / std::max(1, tally.pairs),
                  supported ? "supported" : "caught");
      if (tally.moved > 0)
        std::printf(", %5.1f %% moved to the right source", 100.0 * tally.moved / tally.pairs);
      if (supported) std::printf(", quote of %d bytes", tally.bytes / std::max(1, tally.right));
      std::printf("\n");
      all[supported].pairs += tally.pairs;
      all[supported].right += tally.right;
    }
    for (const auto& [supported, tally] : all) {
      std::printf("  all %-18s %5d pairs, %5.1f %%\n", supported ? "true ones" : "swapped ones",
                  tally.pairs, 100.0 * tally.right / std::max(1, tally.pairs));
    }
    tallies_.clear();
    shown_.clear();
  }

 private:
  static retrieval::Hit Hit(const Document& document, const std::string& text) {
    return {.document_id = document.id, .title = document.title, .text = text};
  }

  // About 2,000 bytes of the document, cut at sentences.
  static std::optional<std::string> Cut(const Document& document, Random& random) {
    const auto sentences = indexer::SplitSentences(document.text);
    if (sentences.size() < 2) return std::nullopt;
    if (document.text.size() <= 2500) return document.text;
    const std::size_t first = random() % sentences.size();
    std::size_t last = first;
    while (last + 1 < sentences.size() && sentences[last + 1].end - sentences[first].start < 2000) {
      ++last;
    }
    if (last == first) return std::nullopt;
    return document.text.substr(sentences[first].start,
                                sentences[last].end - sentences[first].start);
  }

  static std::string Choose(const std::string& passage, Random& random) {
    std::vector<std::string> fit;
    for (const auto& range : indexer::SplitSentences(passage)) {
      const std::string text = passage.substr(range.start, range.end - range.start);
      const bool whole = text.ends_with(".") || text.ends_with("。");
      if (whole && text.size() >= 50 && text.size() <= 320 &&
          text.find('\n') == std::string::npos && text.find('|') == std::string::npos) {
        fit.push_back(text);
      }
    }
    return fit.empty() ? "" : Pick(fit, random);
  }

  std::vector<Pair> Pairs(const Document& document, const std::string& sentence,
                          std::vector<std::string> near, const std::vector<std::string>& far,
                          Random& random) const {
    std::vector<Pair> pairs = {{"+as written", sentence, true}};
    const std::string light = IsChinese(sentence) ? LightChinese(sentence, document.title, random)
                                                  : LightEnglish(sentence, document.title, random);
    if (light != sentence) pairs.push_back({"+in other form", light, true});
    const auto add = [&](const char* kind, std::optional<std::string> swapped) {
      if (swapped && *swapped != sentence) pairs.push_back({kind, *std::move(swapped)});
    };
    add("-number", SwapNumber(sentence, random));
    add("-date", SwapDate(sentence, random));
    add("-name", SwapName(sentence, near, far, random));
    add("-denial", SwapDenial(sentence));
    add("-comparison", SwapComparison(sentence));
    pairs.push_back({"-source", sentence, false, true});
    return pairs;
  }

  void Check(const Pair& pair, const std::vector<retrieval::Hit>& hits,
             gateway::Verifier* verifier) {
    const gateway::Support support = verifier->Check(pair.sentence, pair.other_source ? 1 : 0);
    const bool supported = support.verdict == gateway::Verdict::kSupported;
    Tally& tally = tallies_[pair.kind];
    ++tally.pairs;
    if (pair.other_source) {
      const gateway::Support best = verifier->CheckAll(pair.sentence);
      tally.moved += best.source == 0 && best.verdict == gateway::Verdict::kSupported ? 1 : 0;
    }
    if (supported) tally.bytes += static_cast<int>(support.range.end - support.range.start);
    if (supported == pair.supported) {
      ++tally.right;
    } else if (++shown_[pair.kind] <= failures_) {
      const std::string& text = hits[pair.other_source ? 1 : 0].text;
      std::printf("%s: %s\n    source: %s\n    score %.2f, fault \"%s\"\n", pair.kind.c_str(),
                  pair.sentence.c_str(),
                  text.substr(support.range.start, support.range.end - support.range.start).c_str(),
                  support.score, support.fault.c_str());
    }
  }

  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  const bool held_;
  const int failures_;
  std::map<std::string, Tally> tallies_;
  std::map<std::string, int> shown_;
};

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: verify_quality DATA [tune|held [FAILURES]]\n");
    return 2;
  }
  const std::string data = argv[1];
  citeseek::Quality quality(argc <= 2 || std::string(argv[2]) != "tune",
                            argc > 3 ? std::atoi(argv[3]) : 0);
  for (const char* set : {"enwiki_qa", "cppdocs_pages"}) {
    quality.Measure(citeseek::Read(data + "/" + set + "/corpus.jsonl"), 300);
  }
  quality.Print("English");
  quality.MeasureAsked(citeseek::Read(data + "/enwiki_qa/corpus.jsonl"),
                       citeseek::ReadAsked(data + "/enwiki_qa"), 400);
  quality.Print("English, in people's words");
  for (const char* set : {"zhwiki_qa", "crud_zh"}) {
    quality.Measure(citeseek::Read(data + "/" + set + "/corpus.jsonl"), 300);
  }
  quality.Print("Chinese");
  quality.MeasureAsked(citeseek::Read(data + "/zhwiki_qa/corpus.jsonl"),
                       citeseek::ReadAsked(data + "/zhwiki_qa"), 400);
  quality.Print("Chinese, in people's words");
  return 0;
}
