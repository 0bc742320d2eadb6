#include "services/gateway/rewordings.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/ascii.h"

namespace citeseek::gateway {
namespace {

struct Group {
  std::string_view phrases;  // of the question, parted by "|"; in lower case
  std::string_view words;
  bool searched = false;
};

// Each phrase that stands in a question gives its group's words; those searched for come first.
constexpr auto kGroups = std::to_array<Group>({
    {"how long", "length", true},
    {"how high", "height", true},
    {"how tall", "height", true},
    {"how wide", "width", true},
    {"how deep", "depth", true},
    {"how heavy", "weight", true},
    {"how large", "area", true},
    {"how old", "age", true},
    {"how many people live", "population", true},
    {"how many inhabitants", "population", true},
    {"how much does", "price fare", true},
    {"cost|costs", "price fare", true},
    {"fares", "single return ticket", true},
    {"phone", "telephone", true},
    {"built", "constructed opened", true},
    {"discovered", "found", true},
    {"who created", "founder founded", true},
    {"who started", "founder founded", true},
    {"opening hours", "open closed", true},
    {"多少钱", "价格 元", true},
    {"多长", "全长 长度", true},
    {"多高", "高度 海拔", true},
    {"多大", "面积", true},
    {"多重", "重量", true},
    {"多宽", "宽度", true},
    {"多少人", "人口", true},
    {"几点", "上午 开放时间", true},
    {"开门", "开放 开馆", true},
    {"建于", "始建 建成", true},
    {"建成", "建于 始建", true},
    {"成立", "创立 建立 创办", true},
    {"电话", "telephone", true},
    {"founded|founder|founders",
     "founded founder founders established begun began started created formed"},
    {"established|establish", "founded founder established begun started created formed"},
    {"created|creator|create",
     "created creator creates founded founder started invented developed"},
    {"invented|inventor|invent", "invented inventor invention devised created developed"},
    {"discovered|discoverer|discover", "discovered discovery found identified"},
    {"wrote|written|author|authored|writer", "wrote written author authored writer penned"},
    {"designed|designer|architect", "designed designer architect design"},
    {"built|construct|constructed", "built constructed construction erected completed opened"},
    {"born|birthplace|birthday", "born birth native"},
    {"die|died|death|dies", "died death dead dies killed"},
    {"married|marry|wife|husband|spouse", "married wife husband spouse marriage"},
    {"located|situated|location", "located situated lies stands location lie"},
    {"largest|biggest|greatest", "largest biggest greatest"},
    {"smallest|tiniest", "smallest tiniest least"},
    {"highest|tallest", "highest tallest"},
    {"fastest|quickest", "fastest quickest"},
    {"cost|costs|price|fee|fare|charge", "cost costs price prices fee fees fare fares charge paid"},
    {"buy|bought|purchase|purchased|acquire|acquired",
     "buy bought purchase purchased acquire acquired acquisition sold"},
    {"license|licence|licensed", "license licence licensed MIT Apache GPL MPL BSD"},
    {"install|installation|installed", "install installed installation installing installer"},
    {"delete|remove|erase", "delete deletes deleted remove removes removed erase erased"},
    {"change|modify|edit", "change changed changes modify modified edit edited"},
    {"error|problem|failure", "error errors problem problems failure failures fails"},
    {"fix|repair|solve|resolve", "fix fixed repair repaired solve solved resolve resolved"},
    {"configure|configuration|config|setting|settings",
     "configure configured configuration config setting settings option options"},
    {"employees|staff|workers", "employees staff workers employs people"},
    {"population|inhabitants", "population inhabitants residents people"},
    {"won|winner|win|champion", "won winner win wins winning champion victory defeated"},
    {"lose|lost|loser", "lose lost losing defeated beaten"},
    {"leader|led|headed", "leader led headed head leads chief"},
    {"begin|began|begun|start|started|starts",
     "begin began begun start started starts commenced opened moves moved postponed rescheduled"},
    {"end|ended|ends|finish|finished", "end ended ends finish finished ceased until"},
    {"close|closed|closes", "close closed closes closing until"},
    {"movie|film|movies|films", "movie film movies films"},
    {"car|vehicle|automobile", "car cars vehicle vehicles automobile"},
    {"job|profession|occupation", "job profession occupation worked career works"},
    {"study|studied|attend|attended|graduate|graduated",
     "study studied attend attended educated graduated education degree"},
    {"award|prize|awards|awarded", "award prize awards awarded prizes"},
    {"mean|means|meaning|stand|stands|definition",
     "mean means meaning stands refers defined abbreviation short"},
    {"cause|causes|caused|reason", "cause causes caused because due result reason"},
    {"effect|effects|impact|consequence|consequences",
     "effect effects impact consequence consequences result results affects"},
    {"advantage|advantages|benefit|benefits", "advantage advantages benefit benefits"},
    {"disadvantage|disadvantages|drawback|drawbacks|downside",
     "disadvantage disadvantages drawback drawbacks downside"},
    {"purpose|goal|aim|objective", "purpose goal aim aims objective intended"},
    {"require|required|requires|need|needs|requirement|requirements",
     "require required requires need needs requirement requirements must necessary"},
    {"allow|allowed|permit|permitted", "allow allowed allows permit permitted permits may"},
    {"forbid|forbidden|ban|banned|prohibited", "forbid forbidden ban banned prohibited prohibits"},
    {"happen|happened|occur|occurred", "happen happened occur occurred took place held"},
    {"nickname|nicknamed", "nickname nicknamed called known"},
    {"weigh|weight", "weigh weighs weight weighed"},
    {"email|e-mail", "email e-mail mail"},
    {"website|url|site", "website url site www http https"},
    {"ship|vessel|boat", "ship vessel boat"},
    {"plane|aircraft|airplane", "plane aircraft airplane"},
    {"earn|earned|salary|wage", "earn earns earned salary wage wages paid income"},
    {"revenue|turnover", "revenue turnover sales"},
    {"profit|earnings", "profit earnings income"},
    {"attack|attacked|attacks|invade|invaded",
     "attack attacked attacks invade invaded invasion raid"},
    {"leave|left|depart|departed|departs", "leave leaves left depart departed departs departure"},
    {"arrive|arrived|arrives|arrival", "arrive arrived arrives arrival reached reaches"},
    {"increase|increased|rise|rose|grow|grew",
     "increase increased rise rose grow grew growth risen grown"},
    {"decrease|decreased|decline|declined|fall|fell",
     "decrease decreased decline declined fall fell fallen reduced drop dropped"},
    {"warranty|guarantee|guaranteed", "warranty guarantee guaranteed"},
    {"maximum|max|limit", "maximum max limit most limited exceed"},
    {"makes|make|made|manufacturer|manufactures|producer|produces",
     "makes made manufacturer manufactured manufactures producer produced produces"},
    {"keep|kept|store|stored|storage", "keep keeps kept store stored storage shelf"},
    {"daily|per day|a day", "daily day"},
    {"minimum|min", "minimum min least"},
    {"parent|parents", "parent parents father mother"},
    {"vacation|holiday|holidays", "vacation holiday holidays leave"},
    {"frequency", "frequency every daily weekly monthly yearly"},
    {"how far", "distance miles km kilometres kilometers away"},
    {"how often", "every daily weekly monthly yearly hourly times"},
    {"多久", "周期 寿命 期限 每隔 每年 每月"},
    {"how hot", "temperature degrees"},
    {"how cold", "temperature degrees"},
    {"what temperature", "temperature degrees"},
    {"stand for", "stands abbreviation short means"},
    {"成立|创立|创办|创建|设立|组建|建立", "成立 创立 创办 创建 设立 组建 建立"},
    {"建成|建于|始建|落成|竣工|建造|修建", "建成 建于 始建 落成 竣工 建造 修建"},
    {"创建|创造", "创建 创造 创立 创始人"},
    {"作者|谁写的|所写", "作者 撰写 著作 编写 创作 所著 写作"},
    {"导演|执导", "导演 执导"},
    {"主演|出演|饰演|扮演", "主演 出演 饰演 扮演"},
    {"出生|生于|诞生", "出生 生于 诞生"},
    {"去世|逝世|病逝|离世", "去世 逝世 病逝 离世 死亡"},
    {"位于|坐落|地处", "位于 坐落 地处"},
    {"价格|票价|费用|售价|收费", "价格 票价 费用 售价 收费"},
    {"员工|职工", "员工 职工 雇员"},
    {"收购|并购", "收购 并购 买下"},
    {"赢得|夺得|获得", "赢得 夺得 获得 取得"},
    {"冠军|夺冠", "冠军 夺冠"},
    {"发布|推出|公布|宣布", "发布 推出 公布 宣布"},
    {"上映|公映", "上映 公映 首映 定档"},
    {"首播|开播", "首播 开播 播出"},
    {"发行|发售|出版|上市", "发行 发售 出版 上市"},
    {"举办|举行|召开", "举办 举行 召开 承办 主办 推迟 延期 改期"},
    {"开始|启动|开幕", "开始 启动 开幕 推迟 延期 提前 改到 改期"},
    {"结束|闭幕|截止", "结束 闭幕 截止"},
    {"作用|功能|用途|功效", "作用 功能 用途 功效"},
    {"特点|特征|特色|特性", "特点 特征 特色 特性"},
    {"优点|优势|好处", "优点 优势 好处"},
    {"缺点|不足|劣势", "缺点 不足 劣势"},
    {"方法|办法|方式|途径", "方法 办法 方式 途径"},
    {"目的|目标|宗旨", "目的 目标 宗旨"},
    {"条件|要求", "条件 要求"},
    {"又叫|别名|又名|别称|俗称", "又叫 别名 又名 别称 俗称 又称 也称 称为"},
    {"简称|全称", "简称 全称"},
    {"组成|构成", "组成 构成 包括 包含"},
    {"负责人|领导人", "负责人 领导 主任 经理 董事长"},
    {"创始人|创办人", "创始人 创办人 创立 创办"},
    {"毕业|就读", "毕业 就读"},
    {"职业|职务", "职业 职务 担任"},
    {"死亡人数", "死亡 遇难 丧生"},
    {"保修|质保", "保修 质保"},
    {"退款|退货", "退款 退货 退换"},
    {"电话|联系方式", "电话 telephone"},
    {"营业时间|开放时间", "营业 开放 开馆 上午"},
    {"请假|休假", "请假 休假 年假"},
    {"增长|上升", "增长 上升 提高 增加"},
    {"下降|减少", "下降 减少 降低"},
    {"分布|产于|生长", "分布 产于 生长 栖息"},
    {"使用|采用", "使用 采用"},
    {"禁止|不得", "禁止 不得 不准 严禁"},
    {"可以|允许", "可以 允许 能够"},
    {"投入使用|启用", "启用 投入"},
    {"多少度", "温度 水温 气温 摄氏度"},
    {"多远", "距离 相距 公里"},
});

constexpr auto kLight = std::to_array<std::string_view>(
    {"use",       "uses", "used",  "using",    "called",   "call",       "named",  "name",
     "names",     "kind", "kinds", "type",     "types",    "sort",       "known",  "mentioned",
     "said",      "say",  "tell",  "describe", "happened", "happen",     "become", "became",
     "following", "give", "given", "make",     "made",     "considered", "list",   "叫做",
     "称为",      "名字", "名称",  "哪种",     "情况",     "进行",       "关于",   "主要",
     "具体",      "属于", "哪些",  "哪个",     "如何",     "怎样",       "怎么样"});

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Where the phrase stands as whole words, from `at` on; npos if it does not.
std::size_t FindPhrase(std::string_view text, std::string_view phrase, std::size_t at = 0) {
  for (; (at = text.find(phrase, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + phrase.size();
    const bool starts = at == 0 || !IsLetter(phrase.front()) || !IsLetter(text[at - 1]);
    const bool ends = end == text.size() || !IsLetter(phrase.back()) || !IsLetter(text[end]);
    if (starts && ends) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<indexer::ByteRange> LightWords(std::string_view question) {
  const std::string lower = absl::AsciiStrToLower(std::string(question));
  std::vector<indexer::ByteRange> found;
  for (std::string_view word : kLight) {
    for (std::size_t at = 0; (at = FindPhrase(lower, word, at)) != std::string_view::npos;) {
      found.push_back(
          {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + word.size())});
      at += word.size();
    }
  }
  return found;
}

std::vector<Rewording> FindRewordings(std::string_view question) {
  const std::string lower = absl::AsciiStrToLower(std::string(question));
  std::vector<Rewording> found;
  for (const Group& group : kGroups) {
    for (std::size_t from = 0; from < group.phrases.size();) {
      const std::size_t to = std::min(group.phrases.find('|', from), group.phrases.size());
      const std::string_view phrase = group.phrases.substr(from, to - from);
      from = to + 1;
      const std::size_t at = FindPhrase(lower, phrase);
      if (at == std::string_view::npos) continue;
      found.push_back({.range = {static_cast<std::uint32_t>(at),
                                 static_cast<std::uint32_t>(at + phrase.size())},
                       .words = group.words,
                       .searched = group.searched});
    }
  }
  return found;
}

}  // namespace citeseek::gateway
