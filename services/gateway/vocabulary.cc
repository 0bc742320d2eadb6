#include "services/gateway/vocabulary.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace citeseek::gateway {
namespace {

template <typename T, std::size_t n>
bool Contains(const std::array<T, n>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

template <std::size_t n>
std::size_t LongestAt(std::string_view text, std::size_t at,
                      const std::array<std::string_view, n>& words) {
  text.remove_prefix(at);
  std::size_t longest = 0;
  for (std::string_view word : words) {
    // Nearly all differ in their last byte: Chinese characters share their first.
    if (word.size() <= longest || word.size() > text.size()) continue;
    if (word.back() == text[word.size() - 1] && text.starts_with(word)) longest = word.size();
  }
  return longest;
}

// True if a list of words, with blanks around each, holds the word.
bool Lists(std::string_view list, std::string_view word) {
  for (std::size_t at = list.find(word); at != std::string_view::npos && !word.empty();
       at = list.find(word, at + 1)) {
    if (at > 0 && list[at - 1] == ' ' && list.substr(at + word.size(), 1) == " ") return true;
  }
  return false;
}

// The spellings of a unit; the first one names it.
constexpr auto kUnits = std::to_array<std::array<std::string_view, 7>>({
    {"km", "kilometre", "kilometres", "kilometer", "kilometers", "公里", "千米"},
    {"m", "metre", "metres", "meter", "meters", "米", ""},
    {"cm", "centimetre", "centimetres", "centimeter", "centimeters", "厘米", ""},
    {"mm", "millimetre", "millimetres", "millimeter", "millimeters", "毫米", ""},
    {"mile", "miles", "mi", "英里", "", "", ""},
    {"foot", "feet", "ft", "英尺", "", "", ""},
    {"kg", "kilogram", "kilograms", "公斤", "千克", "", ""},
    {"g", "gram", "grams", "克", "", "", ""},
    {"tonne", "tonnes", "ton", "tons", "吨", "", ""},
    {"pound", "pounds", "lb", "lbs", "英镑", "£", "gbp"},
    {"%", "percent", "百分点", "", "", "", ""},
    {"million", "millions", "百万", "", "", "", ""},
    {"billion", "billions", "十亿", "", "", "", ""},
    {"thousand", "thousands", "千", "", "", "", ""},
    {"万", "万人", "万元", "万吨", "万名", "万平", ""},
    {"亿", "亿元", "亿人", "亿美", "亿吨", "", ""},
    {"hour", "hours", "小时", "", "", "", ""},
    {"minute", "minutes", "分钟", "", "", "", ""},
    {"second", "seconds", "秒", "", "", "", ""},
    {"day", "days", "天", "", "", "", ""},
    {"week", "weeks", "周", "", "", "", ""},
    {"month", "months", "个月", "月", "", "", ""},
    {"year", "years", "年", "", "", "", ""},
    {"元", "人民", "块", "yuan", "rmb", "cny", ""},
    {"dollar", "dollars", "美元", "$", "usd", "", ""},
    {"euro", "euros", "欧元", "€", "eur", "", ""},
    {"cent", "cents", "美分", "", "", "", ""},
    {"yen", "日元", "jpy", "", "", "", ""},
    {"港元", "港币", "hkd", "", "", "", ""},
    {"degree", "degrees", "摄氏", "celsius", "°", "℃", "度"},
    {"gb", "gib", "gigabytes", "", "", "", ""},
    {"mb", "mib", "megabytes", "", "", "", ""},
    {"kb", "kib", "kilobytes", "", "", "", ""},
    {"kw", "kilowatts", "千瓦", "", "", "", ""},
    {"mw", "megawatts", "兆瓦", "", "", "", ""},
    {"hectare", "hectares", "ha", "公顷", "", "", ""},
    {"亩", "", "", "", "", "", ""},
    {"斤", "市斤", "", "", "", "", ""},
    {"角", "毛", "", "", "", "", ""},
    {"次", "times", "", "", "", "", ""},
    {"people", "persons", "人", "名", "位", "", ""},
    {"litre", "litres", "liter", "liters", "升", "", ""},
});

}  // namespace

std::string_view KnownUnit(std::string_view unit) {
  for (const auto& spellings : kUnits) {
    if (!unit.empty() && Contains(spellings, unit)) return spellings[0];
  }
  return "";
}

int ZerosOf(std::string_view known_unit) {
  static constexpr auto kZeros = std::to_array<std::pair<std::string_view, int>>(
      {{"thousand", 3}, {"万", 4}, {"million", 6}, {"亿", 8}, {"billion", 9}});
  const auto found = std::find_if(kZeros.begin(), kZeros.end(),
                                  [&](const auto& unit) { return unit.first == known_unit; });
  return found == kZeros.end() ? 0 : found->second;
}

int NumberWord(std::string_view word) {
  static constexpr auto kOnes = std::to_array<std::string_view>(
      {"zero",     "one",     "two",     "three",     "four",     "five",    "six",
       "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
       "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"});
  static constexpr auto kTens = std::to_array<std::string_view>(
      {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"});
  for (std::size_t i = 2; i < kOnes.size(); ++i) {
    if (word == kOnes[i]) return static_cast<int>(i);
  }
  for (std::size_t i = 0; i < kTens.size(); ++i) {
    if (word == kTens[i]) return static_cast<int>(20 + 10 * i);
  }
  return word == "twice" ? 2 : -1;
}

// 一 is as often part of a word.
int HanNumber(std::string_view character) {
  static constexpr auto kNumbers =
      std::to_array<std::string_view>({"二", "三", "四", "五", "六", "七", "八", "九", "十"});
  const auto found = std::find(kNumbers.begin(), kNumbers.end(), character);
  if (found != kNumbers.end()) return static_cast<int>(found - kNumbers.begin()) + 2;
  return character == "两" ? 2 : -1;
}

bool IsNegation(std::string_view term) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"not",    "no",     "never", "nor",  "neither", "without", "cannot",   "cant",
       "dont",   "doesnt", "didnt", "isnt", "arent",   "wasnt",   "werent",   "hasnt",
       "havent", "hadnt",  "wont",  "none", "wouldnt", "couldnt", "shouldnt", "hardly"});
  return Contains(kWords, term);
}

std::size_t NegationAt(std::string_view text, std::size_t at) {
  // Words that only look like a denial, or deny nothing.
  static constexpr auto kNot = std::to_array<std::string_view>(
      {"不仅", "不但", "不过", "不断", "不少", "不久", "不同", "不得不", "未来", "无论",
       "不管", "不论", "无线", "无锡", "不止", "不只", "不单", "无数",   "不如", "不足",
       "不到", "未满", "不妨", "不愧", "不锈", "无疑", "不惜", "不禁",   "不等", "不一",
       "不时", "不光", "不满", "免费", "免疫", "免税", "不含", "不错",   "不日"});
  static constexpr auto kMarks = std::to_array<std::string_view>(
      {"不",     "没",   "未",   "没有",     "并不",   "并未",   "并非", "从不", "从未", "尚未",
       "不能",   "不会", "不可", "不得",     "未能",   "未曾",   "不曾", "不再", "不是", "无法",
       "不可以", "没能", "绝不", "绝非",     "并没有", "不应",   "不该", "不必", "毫无", "未被",
       "不被",   "没被", "无需", "从来没有", "不予",   "不需要", "不用", "免",   "免于"});
  if (LongestAt(text, at, kNot) > 0) return 0;
  return LongestAt(text, at, kMarks);
}

std::size_t FrameLength(std::string_view text) {
  static constexpr auto kSources = std::to_array<std::string_view>({"document",
                                                                    "source",
                                                                    "passage",
                                                                    "text",
                                                                    "context",
                                                                    "excerpt",
                                                                    "information provided",
                                                                    "webpage",
                                                                    "search result",
                                                                    "provided",
                                                                    "文档",
                                                                    "资料",
                                                                    "文献",
                                                                    "文章",
                                                                    "来源",
                                                                    "材料",
                                                                    "原文",
                                                                    "网页",
                                                                    "上文",
                                                                    "文中",
                                                                    "搜索结果",
                                                                    "检索结果",
                                                                    "记载",
                                                                    "所述",
                                                                    "提供的信息"});
  static constexpr auto kOpenings = std::to_array<std::string_view>({"according to",
                                                                     "based on",
                                                                     "as stated in",
                                                                     "as described in",
                                                                     "as mentioned in",
                                                                     "as noted in",
                                                                     "per ",
                                                                     "in the",
                                                                     "from the",
                                                                     "the ",
                                                                     "these ",
                                                                     "this ",
                                                                     "据",
                                                                     "根据",
                                                                     "按照",
                                                                     "依据",
                                                                     "如",
                                                                     "从",
                                                                     "在",
                                                                     "由",
                                                                     "文档",
                                                                     "资料",
                                                                     "文章",
                                                                     "原文",
                                                                     "该文"});
  static constexpr auto kVerbs = std::to_array<std::string_view>({"states that ",
                                                                  "state that ",
                                                                  "says that ",
                                                                  "say that ",
                                                                  "notes that ",
                                                                  "note that ",
                                                                  "mentions that ",
                                                                  "mention that ",
                                                                  "shows that ",
                                                                  "show that ",
                                                                  "indicates that ",
                                                                  "indicate that ",
                                                                  "states ",
                                                                  "says ",
                                                                  "mentions ",
                                                                  "指出",
                                                                  "提到",
                                                                  "显示",
                                                                  "记载",
                                                                  "表明",
                                                                  "说明",
                                                                  "写道"});
  constexpr std::size_t kMost = 72;
  std::string lower(text.substr(0, kMost));
  for (char& c : lower) c = Lower(c);
  const bool opens = std::any_of(kOpenings.begin(), kOpenings.end(),
                                 [&](std::string_view o) { return lower.starts_with(o); });
  if (!opens) return 0;
  // Up to its comma, or to the verb behind the source.
  std::size_t end = std::string::npos, length = 0;
  const auto consider = [&](std::size_t at, std::size_t bytes) {
    if (at >= end) return;
    end = at;
    length = at + bytes;
  };
  consider(lower.find(", "), 2);
  consider(lower.find("，"), 3);
  for (std::string_view verb : kVerbs) consider(lower.find(verb), verb.size());
  if (end == std::string::npos) return 0;
  const std::string_view frame = std::string_view(lower).substr(0, length);
  const bool source = std::any_of(kSources.begin(), kSources.end(), [&](std::string_view s) {
    return frame.find(s) != std::string_view::npos;
  });
  if (!source || frame.find_first_of("0123456789") != std::string_view::npos) return 0;
  for (std::string_view more : {"，", "：", ", ", ": "}) {
    if (text.substr(length).starts_with(more)) length += more.size();
  }
  return length;
}

bool IsLightWord(std::string_view word) {
  static constexpr std::string_view kWords =
      " 位于 坐落 地处 处于 目前 现在 如今 当时 时间 日期 时候 地点 称为 名为 叫做 称作 是指 指的 "
      "之一 其中 以及"
      " 并且 此外 同时 另外 已经 曾经 因此 由于 因为 所以 进行 担任 成为 属于 包括 包含 具有 拥有 "
      "存在"
      " 大约 约为 左右 大概 主要 一般 通常 开始 可以 能够 需要 应该 相关 有关 关于 对于 根据 按照 "
      "通过"
      " 表示 认为 指出 提到 介绍 显示 说明 方面 情况 问题 内容 部分 一共 总共 共有 分别 都是 就是 "
      "也是 还是 即是 而且"
      " 然后 随后 接着 最终 最后 总之 例如 比如 诸如 等等 这个 这些 那些 该项 其实 事实 作为 出生 "
      "生于 诞生 去世 逝世"
      " 建于 建成 修建 始建 兴建 成立 创立 创建 创办 建立 设立 著名 知名 为止 一个 一种 一位 一名 "
      "一座 一家 一条 一部 "
      " 职业 国籍 意思 定义 含义 原因 特点 特征 性质 环境 颜色 名称 名字 称呼 别名 地区 地方 位置"
      " 场所 年份 年代 时期 期间 数量 数目 人数 长度 高度 面积 价格 身份 职务 作用 意义 影响 方式"
      " 方法 类型 种类 获得 得到 取得 生活 使用 利用 采用 导致 造成 引起 决定 发生 举行 举办 出现"
      " 发现 来自 源自 起源 负责 参与 参加 提供 保持 体现 最初 最先 最早 首先 原先 原来 后来 目的 "
      "只有 如果 因为 由于 虽然 但是 以及"
      " 结果 成果 理念 主题 标志 ";
  return Lists(kWords, word);
}

bool IsPlaceName(std::string_view word) {
  static constexpr std::string_view kPlaces =
      " 中国 美国 英国 法国 德国 日本 韩国 朝鲜 俄国 苏联 印度 泰国 越南 缅甸 老挝 巴西 智利 秘鲁 "
      "古巴 埃及 南非"
      " 希腊 荷兰 波兰 瑞典 瑞士 挪威 芬兰 丹麦 捷克 伊朗 以色列 土耳其 意大利 西班牙 葡萄牙 "
      "比利时 奥地利 匈牙利"
      " 俄罗斯 乌克兰 加拿大 墨西哥 阿根廷 新西兰 澳洲 澳大利亚 新加坡 马来西亚 菲律宾 印尼 "
      "印度尼西亚 柬埔寨 蒙古"
      " 亚洲 欧洲 非洲 美洲 北美 南美 大洋洲 北京 上海 天津 重庆 香港 澳门 台湾 河北 山西 辽宁 "
      "吉林 黑龙江 江苏"
      " 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 内蒙古 "
      "广西 西藏 宁夏 新疆"
      " 广州 深圳 杭州 南京 武汉 成都 西安 苏州 宁波 青岛 大连 沈阳 长沙 郑州 济南 福州 厦门 昆明 "
      "哈尔滨 长春 石家庄"
      " 太原 合肥 南昌 南宁 海口 贵阳 兰州 西宁 银川 乌鲁木齐 拉萨 台北 高雄 东京 大阪 首尔 纽约 "
      "伦敦 巴黎 柏林 罗马"
      " 莫斯科 华盛顿 洛杉矶 芝加哥 悉尼 曼谷 新德里 欧盟 ";
  return Lists(kPlaces, word);
}

bool IsSurname(std::string_view character) {
  static constexpr std::string_view kSurnames =
      " 王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 "
      "程 曹 袁 邓 许 傅"
      " 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 "
      "邹 熊 金 陆 郝 孔 白 崔"
      " 康 毛 邱 秦 江 史 顾 侯 邵 孟 龙 万 段 雷 钱 汤 尹 黎 易 常 武 乔 贺 赖 龚 文 ";
  return Lists(kSurnames, character);
}

bool EndsName(std::string_view text_behind) {
  static constexpr auto kSuffixes = std::to_array<std::string_view>(
      {"省",   "市",   "县",   "区",   "镇",   "村",   "州",   "岛",   "国",   "山",
       "河",   "湖",   "路",   "街",   "桥",   "寺",   "庙",   "站",   "港",   "大学",
       "学院", "公司", "集团", "银行", "医院", "教授", "先生", "女士", "总统", "总理",
       "将军", "博士", "主席", "书记", "市长", "省长", "部长", "队",   "队员", "镇长",
       "族",   "报",   "杂志", "》",   "」",   "”"});
  return LongestAt(text_behind, 0, kSuffixes) > 0;
}

bool IsOpening(std::string_view lower) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"additionally", "furthermore", "moreover",     "overall",   "according", "thus",
       "therefore",    "meanwhile",   "finally",      "similarly", "notably",   "based",
       "located",      "known",       "although",     "though",    "today",     "later",
       "initially",    "originally",  "specifically", "instead",   "yes",       "currently",
       "every",        "each",        "nobody",       "everyone",  "people",    "both"});
  // Endings of plain nouns, and of what leads to the sentence.
  for (std::string_view ending : {"ly", "ing", "tion", "tions", "ment", "ments", "ness"}) {
    if (lower.ends_with(ending)) return true;
  }
  return Contains(kWords, lower);
}

}  // namespace citeseek::gateway
