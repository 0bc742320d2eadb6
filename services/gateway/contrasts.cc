#include "services/gateway/contrasts.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace citeseek::gateway {
namespace {

constexpr int kMembers = 16;  // at most, of a class
constexpr int kBounds = 4;    // which class "more" and "less" are
constexpr std::size_t kLongest = 24;

// The members of a class are parted by "|", their words by ",". The first class is that of
// quantities: all, some, none.
constexpr auto kStrict = std::to_array<std::string_view>({
    "all,every,always,each,entire,everyone,both,全部,所有,全体,一律,各,均,都,每个|"
    "some,several,sometimes,partly,certain,most of,majority,mostly,few,half of,either,one of,two "
    "of,three of,部分,一些,有些,某些,多数,大多数,大部分,大多,少数,半数,一半|"
    "none,no,never,nobody",
    "more,greater,larger,bigger,exceeds,exceeding,exceeded,above,over,beyond,longer than,高于,"
    "超过,大于,多于,以上,胜过,超出,逾|"
    "less,fewer,smaller,below,under,beneath,shorter than,低于,不足,小于,少于,以下,不到,未满,不满",
    "first,第一,首次,首个,首位,首家,最早,首|second,次|third|fourth|fifth|sixth|seventh|eighth|"
    "ninth|"
    "tenth|last,最后,末次,最晚|next",
    "before,earlier,prior,until,之前,以前,早于,前夕|after,later,since,following,之后,以后,晚于,"
    "后来",
    "higher,taller,upper,high|lower,low",
    "increased,increase,increases,increasing,rose,grew,rise,rises,rising,risen,growth,grow,grows,"
    "grown,gained,double,doubles,doubled,doubling,增加,增长,上升,上涨,提高,扩大,增幅,提升,翻一番,"
    "翻番,翻倍,增产,延长,增多|"
    "decreased,decrease,decreases,decreasing,fell,dropped,declined,fall,falling,decline,declines,"
    "declining,drop,drops,reduced,shrank,halve,halves,halved,halving,减少,下降,下跌,降低,缩小,"
    "下滑,降幅,回落,减半,减产,缩短",
    "most,maximum,largest,highest,biggest,greatest,longest,tallest,at most,最大,最高,最多,最长,"
    "至多,最常见,最为常见|"
    "least,minimum,smallest,lowest,fewest,shortest,at least,最小,最低,最少,最短,至少,最少见,"
    "最罕见,最不常见",
    "older,oldest,最年长,最老|younger,youngest,newer,newest,最年轻",
    "faster,fastest,最快|slower,slowest,最慢",
    "won,win,wins,winning,defeated,beat,beats,victory,战胜,击败,获胜,胜出|"
    "lost,lose,loses,losing,defeat,loss,败给,负于,落败,输给",
    "better,best|worse,worst",
    "early,earliest|late,latest",
    "north,northern,北部,北侧,以北|south,southern,南部,南侧,以南",
    "east,eastern,东部,东侧,以东|west,western,西部,西侧,以西",
    "left|right",
    "male,men,father,son,husband,brother,男性,男子|"
    "female,women,mother,daughter,wife,sister,女性,女子",
    "盈利,净利,盈余,结余|亏损,净亏,赤字",
    "买入,流入,进口,收入|卖出,流出,出口,支出",
    "上调,调升,升值,走高,调高|下调,调降,贬值,走低,调低",
    "accepted,accepts,approved,approves,supported,supports,backed,同意,支持,赞成,批准|"
    "rejected,rejects,refused,refuses,opposed,opposes,denied,拒绝,反对,否决,驳回",
    "可以,能够,可,允许,准许,有权|必须,须,应,应当,应该,需,需要,务必|"
    "不得,不可,不可以,不能,禁止,严禁,不准,不允许,不许,不应|不必,无需,不需要,不用,无须",
    "allowed,allows,permitted,permits|banned,bans,forbidden,prohibited,prohibits",
});
constexpr auto kLoose = std::to_array<std::string_view>({
    "may,can,could,might|must,shall,have to,has to,had to,need to,needs to,should",
    "during,inside,within,内,以内|outside,外,以外",
    "opened,opens,open,open to|closed,closes,close",
    "start,starts,started,begin,begins,began|end,ends,ended,finish,finished",
    "cheap,cheaper,cheapest|expensive,dear,dearer",
    "spring,春,春季,春天|summer,夏,夏季,夏天|autumn,秋,秋季,秋天|winter,冬,冬季,冬天",
    "monday,mondays,周一,星期一|tuesday,tuesdays,周二,星期二|wednesday,wednesdays,周三,星期三|"
    "thursday,thursdays,周四,星期四|friday,fridays,周五,星期五|saturday,saturdays,周六,星期六|"
    "sunday,sundays,周日,星期日,星期天",
    "morning,上午,早上|afternoon,下午|evening,晚上|night,夜间,深夜|noon,中午",
    "seconds,秒|minute,minutes,分钟|hour,hours,hourly,小时,每小时|day,days,daily,天,每天,每日,"
    "工作日|"
    "week,weeks,weekly,周,每周|month,months,monthly,月,每月|quarter,quarters,quarterly,季度|"
    "year,years,yearly,annual,annually,年,每年|decade,decades|century,centuries,世纪",
    "今年,本年|明年|去年,上年|前年|后年|当年|次年,翌年|首年",
    "前|后",
    "上,上游,上半年,上半场|下,下游,下半年,下半场",
    "多|少",
    "国内|国外,海外,境外|全球,全世界",
});

int SideOf(std::string_view word) {
  static const auto* const sides = [] {
    auto* words = new std::unordered_map<std::string_view, int>;
    int group = 0;
    const auto read = [&](std::string_view classes) {
      int member = 1;
      ++group;
      for (std::size_t start = 0, i = 0; i <= classes.size(); ++i) {
        if (i < classes.size() && classes[i] != ',' && classes[i] != '|') continue;
        words->emplace(classes.substr(start, i - start), group * kMembers + member);
        if (i < classes.size() && classes[i] == '|') ++member;
        start = i + 1;
      }
    };
    for (std::string_view classes : kStrict) read(classes);
    for (std::string_view classes : kLoose) read(classes);
    return words;
  }();
  const auto found = sides->find(word);
  return found == sides->end() ? 0 : found->second;
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Appends the lower-case word at text[i]; its end.
std::size_t ReadWord(std::string_view text, std::size_t i, std::string* word) {
  for (; i < text.size() && IsLetter(text[i]); ++i) {
    if (word->size() < kLongest) word->push_back(static_cast<char>(text[i] | 0x20));
  }
  return i;
}

}  // namespace

std::vector<Contrast> FindContrasts(std::string_view text) {
  std::vector<Contrast> found;
  const auto add = [&](std::size_t start, std::size_t end, int side) {
    found.push_back({{static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end)}, side});
  };
  for (std::size_t i = 0; i < text.size();) {
    if ((text[i] & '\x80') != 0) {
      std::size_t length = 15;
      int side = 0;
      for (; length > 0 && side == 0; length -= side == 0 ? 3 : 0) {
        if (i + length <= text.size()) side = SideOf(text.substr(i, length));
      }
      if (side != 0) add(i, i + length, side);
      i += std::max<std::size_t>(length, 1);
      while (side == 0 && i < text.size() && (text[i] & '\xC0') == '\x80') ++i;
      continue;
    }
    if (!IsLetter(text[i])) {
      ++i;
      continue;
    }
    std::string word;
    const std::size_t end = ReadWord(text, i, &word);
    if (int side = SideOf(word); text.substr(end, 1) == " ") {
      std::string two = word + ' ';
      const std::size_t two_end = ReadWord(text, end + 1, &two);
      if (const int both = SideOf(two); both != 0) {
        add(i, two_end, both);
        i = two_end;
        continue;
      }
      if (side != 0) add(i, end, side);
    } else if (side != 0) {
      add(i, end, side);
    }
    i = end;
  }
  return found;
}

bool AreOpposite(int side, int other) {
  return side != 0 && side != other && side / kMembers == other / kMembers;
}

bool IsLoose(int side) { return side / kMembers > static_cast<int>(kStrict.size()); }

bool SaysAll(int side) { return side == kMembers + 1; }
int Bound(int side) {
  return side == kBounds * kMembers + 1 ? 1 : side == kBounds * kMembers + 2 ? -1 : 0;
}
bool SaysSome(int side) { return side == kMembers + 2; }

}  // namespace citeseek::gateway
