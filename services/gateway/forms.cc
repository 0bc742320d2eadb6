#include "services/gateway/forms.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "absl/strings/ascii.h"

namespace citeseek::gateway {
namespace {

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }

}  // namespace

std::vector<std::string> AsciiWords(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < text.size();) {
    if (!IsLetter(text[i])) {
      ++i;
      continue;
    }
    std::string word;
    while (i < text.size() && IsLetter(text[i]))
      word.push_back(absl::ascii_tolower(static_cast<unsigned char>(text[i++])));
    words.push_back(std::move(word));
  }
  return words;
}

bool OpensSentence(std::string_view before) {
  const auto drop = [&](std::string_view marks) {
    before = before.substr(0, before.find_last_not_of(marks) + 1);
  };
  drop("`*\"( ");
  for (std::string_view article : {"a", "an", "the"}) {
    const std::size_t rest = before.size() - std::min(before.size(), article.size());
    const bool whole = rest == 0 || before[rest - 1] == ' ' || before[rest - 1] == '\n';
    if (!whole || absl::AsciiStrToLower(std::string(before.substr(rest))) != article) continue;
    before = before.substr(0, rest);
    drop(" ");
    break;
  }
  if (before.empty()) return true;
  return std::string_view(".!?\n:").find(before.back()) != std::string_view::npos ||
         before.ends_with("。");
}

bool SpellsOut(std::string_view text, std::string_view acronym) {
  if (acronym.size() < 3 || acronym.size() > 8) return false;
  std::string all, heavy;  // first letters of the words, and without those that acronyms leave out
  for (const std::string& word : AsciiWords(text)) {
    all += word.front();
    static constexpr auto kLeftOut =
        std::to_array<std::string_view>({"a", "and", "for", "in", "of", "on", "the", "to"});
    if (std::find(kLeftOut.begin(), kLeftOut.end(), word) == kLeftOut.end()) heavy += word.front();
  }
  const std::string lower = absl::AsciiStrToLower(std::string(acronym));
  return all.find(lower) != std::string::npos || heavy.find(lower) != std::string::npos;
}

bool PointsBack(std::string_view text) {
  static constexpr auto kOpenings = std::to_array<std::string_view>(
      {"This ", "It ", "These ", "They ", "该", "此", "这", "它", "其"});
  return std::any_of(kOpenings.begin(), kOpenings.end(),
                     [&](std::string_view opening) { return text.starts_with(opening); });
}

bool PointsElsewhere(std::string_view text) {
  static constexpr auto kOpenings = std::to_array<std::string_view>(
      {"See ", "(See ", "(see ", "For more ", "For details", "For further ", "Refer to ", "参见",
       "参阅", "参看", "详见", "详情见", "请参见", "请参阅", "（参见"});
  return std::any_of(kOpenings.begin(), kOpenings.end(),
                     [&](std::string_view opening) { return text.starts_with(opening); });
}

bool TellsWhatItIs(std::string_view text, std::size_t at) {
  static constexpr auto kVerbs = std::to_array<std::string_view>(
      {"is",       "are",     "was",       "were",     "means",      "mean",      "refers",
       "refer",    "denotes", "describes", "stands",   "represents", "represent", "allows",
       "allow",    "lets",    "let",       "provides", "provide",    "returns",   "creates",
       "makes",    "enables", "gives",     "adds",     "contains",   "defines",   "method",
       "function", "command", "option",    "trait",    "operator"});
  std::string_view rest = text.substr(std::min(at, text.size()));
  while (!rest.empty() && (rest[0] == '`' || rest[0] == '*' || rest[0] == '(' || rest[0] == ')')) {
    rest.remove_prefix(1);
  }
  // A Latin word in Chinese has a blank behind it.
  const std::string_view behind = rest.substr(rest.starts_with(' ') ? 1 : 0);
  for (std::string_view sign : {"是", "指", "意味"}) {
    if (behind.starts_with(sign)) return true;
  }
  for (std::string_view sign :
       {"为", "意思", "：", "——", ": ", " – ", " — ", " - ", ", a ", ", an ", ", the "}) {
    if (rest.starts_with(sign)) return true;
  }
  if (!rest.starts_with(' ')) return false;
  // "is called with", "are usually made": something about it.
  static constexpr auto kAsides = std::to_array<std::string_view>(
      {"called", "not", "also", "usually", "often", "only", "still", "now", "then", "always",
       "never", "being", "used", "designed", "available", "implemented", "very", "more", "less"});
  const std::vector<std::string> words = AsciiWords(rest.substr(0, 32));
  const auto is_any = [](std::span<const std::string_view> those, std::string_view word) {
    return std::find(those.begin(), those.end(), word) != those.end();
  };
  if (words.empty() || !is_any(kVerbs, words[0])) return false;
  // "is considered", "was moved".
  const bool passive = words.size() > 1 && is_any(std::span(kVerbs).first(4), words[0]) &&
                       words[1].ends_with("ed") && words[1] != "defined";
  return words.size() < 2 || (!passive && !is_any(kAsides, words[1]));
}

bool LooksLikeCode(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\n')) line.remove_suffix(1);
  if (line.empty() || line.starts_with("//")) return false;  // a comment is prose
  static constexpr auto kOpenings = std::to_array<std::string_view>(
      {"const ", "let ", "var ", "import ", "#include", "def ", "fn ", "pub ", "return ", "} ",
       "$ ", "class ", "struct ", "await ", "async ", "static ", "export ", "func "});
  for (std::string_view opening : kOpenings) {
    if (line.starts_with(opening)) return line.find_first_of("=(){};<:") != std::string_view::npos;
  }
  if (line.back() == ';' || line.back() == '{' || line.back() == '}') return true;
  const auto signs = std::count_if(line.begin(), line.end(), [](char c) {
    return std::string_view("(){}[];=<>$").find(c) != std::string_view::npos;
  });
  return static_cast<std::size_t>(signs) * 7 > line.size();
}

bool TellsStep(std::string_view text) {
  static constexpr auto kVerbs = std::to_array<std::string_view>(
      {"add",     "adjust",   "allow",      "apply",    "attach",  "avoid",     "bake",
       "boil",    "bring",    "build",      "call",     "change",  "check",     "choose",
       "clean",   "clear",    "click",      "close",    "combine", "configure", "confirm",
       "connect", "contact",  "cook",       "copy",     "cover",   "create",    "cut",
       "delete",  "disable",  "disconnect", "download", "drain",   "edit",      "enable",
       "ensure",  "enter",    "fill",       "fold",     "follow",  "generate",  "give",
       "go",      "heat",     "hold",       "import",   "insert",  "install",   "keep",
       "knead",   "launch",   "leave",      "let",      "log",     "make",      "measure",
       "mix",     "mount",    "move",       "navigate", "open",    "paste",     "place",
       "plug",    "pour",     "press",      "provide",  "pull",    "push",      "put",
       "reboot",  "register", "remove",     "repeat",   "replace", "reset",     "restart",
       "rest",    "rinse",    "run",        "save",     "scan",    "scroll",    "select",
       "send",    "set",      "shape",      "sign",     "specify", "start",     "stir",
       "stop",    "store",    "submit",     "switch",   "take",    "tap",       "tighten",
       "turn",    "type",     "unplug",     "update",   "upgrade", "upload",    "use",
       "verify",  "visit",    "wait",       "wash",     "write"});
  static constexpr auto kBefore = std::to_array<std::string_view>(
      {"then", "next", "now", "first", "finally", "please", "and", "afterwards", "simply", "just"});
  static constexpr auto kConditions = std::to_array<std::string_view>(
      {"to", "if", "when", "after", "once", "before", "in", "on", "from", "for", "with", "under"});
  static constexpr auto kChinese = std::to_array<std::string_view>(
      {"请",   "点击", "单击", "双击", "点选", "长按", "短按", "按下",   "打开", "选择", "输入",
       "填写", "提交", "拨打", "扫描", "下载", "安装", "登录", "运行",   "执行", "插入", "拔出",
       "取出", "拆下", "放入", "倒入", "加入", "重启", "勾选", "切换到", "进入"});
  if (std::any_of(kChinese.begin(), kChinese.end(),
                  [&](std::string_view p) { return text.find(p) != std::string_view::npos; }))
    return true;
  // The first word that is no "then", as long as it is no name: "verify_share".
  const auto is_verb_at = [&](std::string_view part) {
    for (std::size_t at = 0; at < std::min<std::size_t>(part.size(), 40);) {
      if (!IsLetter(part[at])) {
        ++at;
        continue;
      }
      std::size_t end = at;
      while (end < part.size() && IsLetter(part[end])) ++end;
      const std::string word = absl::AsciiStrToLower(std::string(part.substr(at, end - at)));
      at = end;
      if (std::find(kBefore.begin(), kBefore.end(), word) != kBefore.end()) continue;
      return std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end() &&
             (end == part.size() || part[end] == ' ');
    }
    return false;
  };
  if (is_verb_at(text)) return true;
  const std::vector<std::string> first = AsciiWords(text.substr(0, 12));
  const std::size_t comma = text.find(", ");
  return comma != std::string_view::npos && !first.empty() &&
         std::find(kConditions.begin(), kConditions.end(), first.front()) != kConditions.end() &&
         is_verb_at(text.substr(comma + 2));
}

}  // namespace citeseek::gateway
