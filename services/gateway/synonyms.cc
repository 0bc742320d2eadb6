#include "services/gateway/synonyms.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace citeseek::gateway {
namespace {

constexpr std::size_t kLeastRoot = 5;  // letters

// Groups are parted by "|"; a word may stand in several. English ones are stems.
constexpr std::string_view kEnglish =
    " begin began begun start commenc launch open initi |"
    " end finish stop conclud complet ceas | found establish creat set start launch form |"
    " build built construct erect make made manufactur produc |"
    " make made produc manufactur creat | buy bought purchas acquir takeov | sell sold vend |"
    " obtain get got gotten receiv gain acquir |"
    " give gave given provid suppli grant deliv offer award |"
    " show shown demonstr display indic reveal suggest |"
    " say said state tell told note mention report explain announc declar claim |"
    " use employ utilis util appli deploy adopt | need requir must |"
    " help assist aid support | let allow permit enabl |"
    " forbid forbidden forbad ban prohibit | keep kept retain store preserv hold held |"
    " hold held run ran take took taken place stage organis organ |"
    " happen occur take took taken place | live resid inhabit |"
    " lie lay lain locat situat stand stood sit sat | work serv act employ |"
    " job work occup profess | lead led head direct manag run ran chair |"
    " design plan conceiv draw drew drawn | write wrote written author pen compos |"
    " publish releas issu launch | introduc add | replac substitut supersed |"
    " remov delet eras drop | chang alter modifi amend adjust |"
    " increas rise rose risen grow grew grown gain climb improv |"
    " decreas fall fell fallen drop declin reduc lower cut shrink | cut reduc lower decreas |"
    " big larg great huge | small littl tini | fast quick rapid speedi | slow gradual |"
    " import signific major key main | main chief princip primari major |"
    " common frequent usual widespread | rare uncommon infrequ | famous known renown celebr |"
    " begin began begun open | fix repair mend | choos chose chosen select pick elect |"
    " win won beat beaten defeat | play perform | die dead death pass | kill slay |"
    " injur wound hurt | child kid | person peopl individu | employe worker staff |"
    " firm compani busi corpor enterpris | factori plant work | film movi pictur |"
    " car automobil vehicl | photo photograph photographi pictur | doctor physician |"
    " student pupil | teacher instructor | road street | hous home build built | town citi |"
    " countri nation state | area region zone | part portion share | amount sum quantiti |"
    " price cost charg fee | pay paid cost charg |"
    " about approxim rough around some near almost | over abov | under below | also too |"
    " but howev although though | becaus sinc due as | year annual | near close |"
    " contain includ compris hold held | consist compris compos make made |"
    " becom became turn | call name entitl titl know known term | join enter |"
    " leav left quit depart | send sent dispatch transmit ship | return restor |"
    " arriv reach | travel go went gone journey move | come came arriv origin |"
    " belong own possess | exceed surpass top | last continu endur take took taken |"
    " end expir | end until | permit licenc licens | expect predict forecast anticip |"
    " plan intend | tri attempt | test trial examin check | find found discov detect |"
    " studi research investig | result outcom | caus lead led trigger produc |"
    " damag destroy harm | protect guard | check verifi | choos chose chosen decid |"
    " agre approv accept consent | refus reject declin deni | meet met satisfi |"
    " aim goal purpos | usual normal general typic most | often frequent |"
    " onli sole just mere exclus | except but apart save | togeth joint |"
    " first initi origin earli | end final last | near besid | financ fund pay paid sponsor |"
    " rais lift increas | watch see saw seen view attend | appoint name | marri wed |"
    " equal same | differ other | free grati | enough suffici | develop build built creat |"
    " visit attend | particip part take took taken | inhabit resid peopl | popul peopl |"
    " height altitud elev tall high | length long | width wide | weight weigh heavi |"
    " depth deep | speed fast | age old | team side squad club | match game contest |"
    " championship titl tournament | goal score | coach manag trainer |"
    " boss head chief director | author writer | king monarch ruler | war conflict |"
    " battl fight fought | armi troop militari | law act statut | court tribun |"
    " judg justic | crime offenc offens | drug medicin medic | ill diseas sick | sick ill |"
    " hospit clinic | oper surgeri | dish meal | cook prepar | mix combin blend stir |"
    " add put | softwar program applic app | error fault mistak bug | version releas edit |"
    " default standard | everi each per | build construct | teach taught instructor teacher |"
    " leav quit withdraw withdrew retreat | cover includ |";
constexpr std::string_view kChinese =
    " 叫 名 称 又称 又名 称为 叫做 名为 | 业务 从事 | 吃 食用 | 交 缴 缴纳 支付 | 嫁 嫁给 |  建成 "
    "竣工 完工 落成 建造 修建 "
    "兴建 建设 建立 |"
    " 成立 创立 创办 建立 创建 设立 组建 始建 | 开始 启动 起 展开 开启 始于 |"
    " 结束 完成 终止 停止 完结 | 发布 推出 发行 公布 出版 上市 发表 |"
    " 宣布 公布 表示 称 说 指出 介绍 透露 公开 | 购买 收购 买下 采购 购入 购得 |"
    " 出售 销售 售出 卖出 卖 | 获得 取得 赢得 得到 荣获 夺得 拿下 获 |"
    " 使用 采用 利用 运用 应用 用 | 生产 制造 制作 出产 产 | 搭载 配备 装有 携带 内置 带有 |"
    " 自研 自主研发 自行研发 | 位于 坐落 地处 处于 坐落于 | 包括 包含 含有 涵盖 含 |"
    " 拥有 具有 有 具备 享有 | 提供 给予 供给 供应 供货 | 允许 可以 准许 能 可 |"
    " 必须 须 需要 应 应当 应该 需 要 | 不得 不能 禁止 不可 不准 不允许 不可以 |"
    " 超过 大于 多于 高于 逾 超 | 不足 少于 不到 低于 小于 未满 不满 |"
    " 至多 最多 不超过 不得超过 | 至少 最少 不少于 |"
    " 增加 增长 上升 上涨 提高 提升 增 涨至 涨 升 | 减少 下降 下跌 降低 减 降 |"
    " 上调 上涨 提高 调高 | 下调 降低 调低 | 导致 造成 引起 引发 使得 | 因为 由于 因 原因 |"
    " 所以 因此 因而 | 主持 领导 带领 负责 率领 主导 | 负责 承担 主管 | 参加 参与 出席 加入 |"
    " 举行 举办 召开 开展 | 进行 开展 展开 | 战胜 击败 打败 胜 取胜 |"
    " 创作 编写 撰写 写作 作曲 | 开发 研制 研发 | 设计 规划 | 任职 工作 就职 供职 |"
    " 担任 出任 任 | 辞职 离职 卸任 | 去世 逝世 病逝 离世 | 出生 诞生 生于 | 毕业 结业 |"
    " 居住 生活 住 | 死亡 遇难 丧生 死 | 受伤 负伤 | 撤离 疏散 离开 转移 | 搬离 搬走 迁出 |"
    " 抵达 到达 到 抵 | 出发 启程 | 发现 找到 查明 | 调查 研究 统计 | 显示 表明 说明 |"
    " 认为 觉得 指出 | 预计 预期 估计 预测 将 | 计划 打算 拟 准备 | 批准 同意 通过 许可 |"
    " 反对 抵制 | 支持 赞成 拥护 | 驳回 拒绝 否决 | 判决 裁定 判 | 赔偿 赔付 补偿 |"
    " 支付 缴纳 付 交 交纳 | 退还 返还 归还 退回 | 签订 签署 订立 | 解除 终止 |"
    " 申请 请求 提出 | 提交 递交 上交 | 保存 储存 存放 保管 | 加入 放入 添加 | 烘烤 烤 |"
    " 静置 放置 | 接种 注射 | 患者 病人 | 医生 大夫 医师 | 副作用 不良反应 |"
    " 常见 多见 普遍 频繁 | 轻度 轻微 | 头晕 眩晕 | 价格 售价 票价 价钱 |"
    " 费用 花费 成本 收费 | 收入 营收 营业收入 | 利润 净利润 盈利 | 门店 店铺 分店 店 |"
    " 员工 职工 雇员 人员 | 学生 学员 | 教师 老师 | 儿童 孩子 小孩 | 成人 成年人 |"
    " 公司 企业 | 工厂 厂 厂房 | 城市 市 | 国家 国 | 地区 区域 地方 | 当地 本地 | 附近 周边 |"
    " 著名 知名 有名 | 主要 重要 首要 | 全部 所有 全体 一切 | 部分 一些 |"
    " 大约 约 近 左右 大概 | 每年 一年 年度 | 第一年 首年 | 第一次 首次 |"
    " 星期日 周日 星期天 | 星期一 周一 | 冠军 夺冠 第一名 | 比赛 赛事 | 球队 队 | 观众 球迷 |"
    " 决赛 终局 | 电影 影片 | 手机 电话 | 版本 版 | 功能 特性 | 默认 缺省 | 错误 故障 |"
    " 创建 建立 生成 新建 | 删除 移除 去除 | 新增 加入 增加 添加 引入 | 取代 替代 代替 替换 |"
    " 容纳 装下 承载 | 开放 营业 | 关闭 关门 闭馆 | 免费 不收费 | 转让 转移 | 结转 顺延 |"
    " 逾期 过期 | 作废 失效 | 仅 只 只有 仅仅 只能 | 之前 以前 前 | 之后 以后 后 |"
    " 可供 够 供 | 供货 供应 提供 | 雇用 雇有 聘用 雇佣 | 高达 达 达到 为 | 任教 教书 |"
    " 发射 升空 | 着陆 降落 | 赢得 夺得 | 随后 然后 接着 再 | 改到 迁至 改为 移至 |";

// Of each word the groups that hold it, by number.
using Groups = std::unordered_map<std::string_view, std::vector<int>>;

Groups ReadGroups(std::string_view all) {
  Groups groups;
  int group = 0;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find_first_of(" |", at), all.size());
    if (end > at) groups[all.substr(at, end - at)].push_back(group);
    if (end < all.size() && all[end] == '|') ++group;
    at = end + 1;
  }
  return groups;
}

}  // namespace

bool MeanSame(std::string_view word, std::string_view other) {
  static const auto* const groups = new std::pair(ReadGroups(kEnglish), ReadGroups(kChinese));
  if (word.empty() || other.empty()) return false;
  const Groups& all = (word[0] & '\x80') != 0 ? groups->second : groups->first;
  const auto a = all.find(word), b = all.find(other);
  if (a == all.end() || b == all.end()) return false;
  return std::find_first_of(a->second.begin(), a->second.end(), b->second.begin(),
                            b->second.end()) != a->second.end();
}

bool ShareRoot(std::string_view term, std::string_view other) {
  const auto same = static_cast<std::size_t>(
      std::mismatch(term.begin(), term.end(), other.begin(), other.end()).first - term.begin());
  return same >= kLeastRoot || (same >= 3 && same == std::min(term.size(), other.size()));
}

}  // namespace citeseek::gateway
