#include "services/gateway/follow_ups.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/cues.h"
#include "services/gateway/subject.h"
#include "services/gateway/values.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kMaxTitleBytes = 60;
constexpr std::size_t kMaxHeadingWords = 5;
constexpr std::size_t kMaxHeadingHan = 10;
constexpr std::size_t kMaxSubjectHan = 12;
constexpr std::size_t kHanBytes = 3;

bool HasYear(std::string_view text) {
  const std::vector<Value> values = FindValues(text);
  return std::any_of(values.begin(), values.end(), [](const Value& v) { return v.date; });
}

// ---- English

struct Measure {
  std::string_view adjective;
  std::string_view asked;
};

// "The Halden Bridge was built ...": what stands before the verb, and where that begins.
struct Clause {
  std::string subject;
  std::vector<Word> words;  // of the whole sentence
  std::size_t verb = 0;     // word
};

bool ReadClause(std::string_view sentence, Clause* clause) {
  const std::vector<std::string> names = FindNames(sentence);
  if (names.empty()) return false;
  const bool the = sentence.starts_with("The ");
  const std::string& name = names.front();
  if (!sentence.substr(the ? 4 : 0).starts_with(name)) return false;
  clause->subject = (the ? "the " : "") + name;
  clause->words = SplitWords(sentence);
  const std::size_t end = (the ? 4 : 0) + name.size();
  while (clause->verb < clause->words.size() && clause->words[clause->verb].start < end) {
    ++clause->verb;
  }
  // Only a blank between the name and its verb.
  return clause->verb < clause->words.size() && clause->words[clause->verb].start == end + 1;
}

void AskEnglish(std::string_view sentence, std::vector<std::string>* questions) {
  static constexpr auto kDone = std::to_array<std::string_view>(
      {"built", "opened", "founded", "designed", "established", "launched", "released", "written",
       "discovered", "invented", "created", "completed", "constructed", "published", "finished"});
  static constexpr auto kMeasures = std::to_array<Measure>({{"long", "How long"},
                                                            {"high", "How high"},
                                                            {"tall", "How tall"},
                                                            {"wide", "How wide"},
                                                            {"deep", "How deep"}});
  Clause clause;
  if (!ReadClause(sentence, &clause)) return;
  const auto word = [&](std::size_t i) {
    return i < clause.words.size() ? std::string_view(clause.words[i].lower) : std::string_view();
  };
  const std::string_view verb = word(clause.verb), next = word(clause.verb + 1);
  const bool was = verb == "was" || verb == "were";
  const std::string_view rest = sentence.substr(clause.words[clause.verb].start);
  if (was && std::find(kDone.begin(), kDone.end(), next) != kDone.end()) {
    const std::size_t by = rest.find(" by ");
    if (by != std::string_view::npos && by + 4 < rest.size() &&
        absl::ascii_isupper(static_cast<unsigned char>(rest[by + 4]))) {
      questions->push_back(absl::StrCat("Who ", next == "written" ? "wrote" : std::string(next),
                                        " ", clause.subject, "?"));
    }
    if (HasYear(rest)) {
      questions->push_back(absl::StrCat("When ", std::string(verb), " ", clause.subject, " ",
                                        std::string(next), "?"));
    }
  }
  if (verb == "is" || verb == "are") {
    const std::vector<Value> values = FindValues(rest);
    for (std::size_t i = clause.verb + 2; i < clause.words.size() && i <= clause.verb + 4; ++i) {
      for (const Measure& measure : kMeasures) {
        if (word(i) != measure.adjective || values.empty()) continue;
        questions->push_back(absl::StrCat(std::string(measure.asked), " ", std::string(verb), " ",
                                          clause.subject, "?"));
      }
    }
  }
  const bool lies = verb == "stands" || verb == "lies" ||
                    (verb == "is" && (next == "located" || next == "situated"));
  if (lies) questions->push_back(absl::StrCat("Where is ", clause.subject, "?"));
}

// ---- Chinese

struct Telling {
  std::string_view words;  // behind the subject
  std::string_view asked;  // behind it in the question
  bool number = false;     // a number follows
};

void AskChinese(std::string_view sentence, std::vector<std::string>* questions) {
  static constexpr auto kTellings = std::to_array<Telling>({
      {"建成于", "是什么时候建成的？", true},
      {"始建于", "是什么时候开始修建的？", true},
      {"建于", "是什么时候修建的？", true},
      {"成立于", "是什么时候成立的？", true},
      {"创建于", "是什么时候创建的？", true},
      {"发布于", "是什么时候发布的？", true},
      {"出版于", "是什么时候出版的？", true},
      {"全长", "全长是多少？", true},
      {"面积", "的面积是多少？", true},
      {"海拔", "的海拔是多少？", true},
      {"位于", "在哪里？", false},
      {"坐落在", "在哪里？", false},
  });
  static constexpr auto kPointing =
      std::to_array<std::string_view>({"它", "他", "她", "该", "这", "那", "其", "本", "此", "我",
                                       "的", "和", "与", "在", "是", "有", "了", "为"});
  for (const Telling& telling : kTellings) {
    const std::size_t at = sentence.find(telling.words);
    if (at == std::string_view::npos) continue;
    const std::string subject(sentence.substr(0, at));
    const std::size_t han = CountHan(subject);
    if (han < 2 || han > kMaxSubjectHan || subject.size() != han * kHanBytes) continue;
    const bool points = std::any_of(kPointing.begin(), kPointing.end(), [&](std::string_view w) {
      return subject.find(w) != std::string::npos;
    });
    if (points) continue;
    if (telling.number && FindValues(sentence.substr(at)).empty()) continue;
    questions->push_back(absl::StrCat(subject, std::string(telling.asked)));
    return;  // the first thing said of it
  }
}

// ---- Headings

struct Section {
  std::string_view heading;
  std::size_t start = 0;  // of the text below it
  std::size_t end = 0;
};

std::vector<Section> FindSections(std::string_view text) {
  std::vector<Section> sections;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t marks = line.find_first_not_of('#');
    if (marks != std::string_view::npos && marks >= 1 && marks <= 4 && line[marks] == ' ') {
      if (!sections.empty()) sections.back().end = at;
      if (marks >= 2) sections.push_back({line.substr(marks + 1), end, text.size()});
    }
    at = end + 1;
  }
  return sections;
}

// A heading that a question can name: a few plain words.
bool IsPlain(std::string_view heading, bool chinese) {
  const std::size_t han = CountHan(heading);
  if (chinese) return han >= 2 && han <= kMaxHeadingHan && heading.size() == han * kHanBytes;
  if (han > 0 || heading.size() < 4) return false;
  const bool plain = std::all_of(heading.begin(), heading.end(), [](char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == ' ' || c == '-';
  });
  const std::vector<Word> words = SplitWords(heading);
  return plain && !words.empty() && words.size() <= kMaxHeadingWords &&
         !(words.size() == 1 && IsFrameWord(words[0].lower));
}

std::string AskHeading(std::string_view heading, std::string_view title, bool chinese) {
  std::string words(heading);
  if (chinese) return absl::StrCat("关于", words, "，《", std::string(title), "》怎么说？");
  // "Opening hours" is "opening hours" inside a sentence, a name stays as it is.
  if (SplitWords(words).size() == 1 || FindNames(words.substr(1)).empty()) {
    words[0] = absl::ascii_tolower(static_cast<unsigned char>(words[0]));
  }
  return absl::StrCat("What does “", std::string(title), "” say about ", words, "?");
}

}  // namespace

std::vector<FollowUp> FindFollowUps(std::string_view question, bool chinese,
                                    std::span<const retrieval::Hit> hits,
                                    std::span<const Citation> citations) {
  std::vector<FollowUp> found;
  const auto add = [&](FollowUp follow_up) {
    const retrieval::Hit& hit = hits[follow_up.source];
    const bool told = std::any_of(citations.begin(), citations.end(), [&](const Citation& c) {
      return c.document_id == hit.document_id && c.collection == hit.collection &&
             c.start < follow_up.end && follow_up.start < c.end;
    });
    const bool twice = follow_up.question == question ||
                       std::any_of(found.begin(), found.end(), [&](const FollowUp& other) {
                         return other.question == follow_up.question;
                       });
    if (!told && !twice && found.size() < kMaxCandidates) found.push_back(std::move(follow_up));
  };
  for (std::size_t source = 0; source < hits.size(); ++source) {
    const retrieval::Hit& hit = hits[source];
    for (const indexer::ByteRange range : indexer::SplitSentences(hit.text)) {
      const std::string_view sentence =
          std::string_view(hit.text).substr(range.start, range.end - range.start);
      std::vector<std::string> questions;
      if (chinese == (CountHan(sentence) > 0)) {
        chinese ? AskChinese(sentence, &questions) : AskEnglish(sentence, &questions);
      }
      for (std::string& q : questions) {
        add({std::move(q), source, hit.start + range.start, hit.start + range.end});
      }
    }
  }
  for (std::size_t source = 0; source < hits.size(); ++source) {
    const retrieval::Hit& hit = hits[source];
    if (hit.title.empty() || hit.title.size() > kMaxTitleBytes) continue;
    if (chinese != (CountHan(hit.title) > 0)) continue;
    for (const Section& section : FindSections(hit.text)) {
      if (!IsPlain(section.heading, chinese)) continue;
      add({AskHeading(section.heading, hit.title, chinese), source,
           hit.start + static_cast<std::uint32_t>(section.start),
           hit.start + static_cast<std::uint32_t>(section.end)});
    }
  }
  return found;
}

}  // namespace citeseek::gateway
