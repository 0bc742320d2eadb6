#include "inference/model/tokenizer/byte_trie.h"

#include <algorithm>

namespace citeseek::inference {
namespace {

constexpr std::size_t kBlock = 256;
constexpr std::size_t kOpenBlocks = 16;  // places in older blocks are not looked for

}  // namespace

// Finds places for children. No two nodes have the same base, so that a label tells whose child a
// unit is.
class ByteTrie::Builder {
 public:
  explicit Builder(HugeVector<Node>& units) : units_(units) {
    units_.assign(kBlock, kFree << kLabelShift);
    base_taken_.assign(kBlock, true);
    next_.assign(kBlock, 0);
    previous_.assign(kBlock, 0);
  }

  // The base under which all these labels are free; then they no longer are.
  std::size_t Place(const std::vector<unsigned char>& labels) {
    std::size_t base = 0;
    for (std::size_t at = next_[0]; at != 0 && base == 0; at = next_[at]) {
      const std::size_t tried = at ^ labels[0];
      if (base_taken_[tried]) continue;
      const auto is_free = [&](unsigned char c) { return IsFree(tried ^ c); };
      if (std::all_of(labels.begin(), labels.end(), is_free)) base = tried;
    }
    if (base == 0) base = AddBlock();
    base_taken_[base] = true;
    for (const unsigned char c : labels) {
      units_[base ^ c] = Node{c} << kLabelShift;
      Unlink(base ^ c);
    }
    return base;
  }

 private:
  bool IsFree(std::size_t at) const { return (units_[at] >> kLabelShift & kLabelMask) == kFree; }

  void Unlink(std::size_t at) {
    next_[previous_[at]] = next_[at];
    previous_[next_[at]] = previous_[at];
  }

  std::size_t AddBlock() {
    const std::size_t begin = units_.size();
    for (std::size_t at = next_[0]; at != 0 && at + kOpenBlocks * kBlock <= begin; at = next_[0]) {
      Unlink(at);
    }
    units_.resize(begin + kBlock, kFree << kLabelShift);
    base_taken_.resize(begin + kBlock);
    next_.resize(begin + kBlock);
    previous_.resize(begin + kBlock);
    for (std::size_t at = begin; at < begin + kBlock; ++at) {
      previous_[at] = previous_[0];
      next_[at] = 0;
      next_[previous_[at]] = static_cast<std::uint32_t>(at);
      previous_[0] = static_cast<std::uint32_t>(at);
    }
    return begin;
  }

  HugeVector<Node>& units_;
  std::vector<bool> base_taken_;                // [units]
  std::vector<std::uint32_t> next_, previous_;  // [units] free ones of open blocks, around 0
};

ByteTrie::ByteTrie(std::vector<std::pair<std::string, std::int32_t>> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Builder builder(units_);
  // A range holds the entries that agree on `depth` bytes, which lead to `node`.
  struct Range {
    std::size_t node, begin, end, depth;
  };
  std::vector<Range> open = {{0, 0, entries.size(), 0}};
  std::vector<unsigned char> labels;
  std::vector<std::size_t> begins;
  while (!open.empty()) {
    auto [node, begin, end, depth] = open.back();
    open.pop_back();
    for (; begin < end && entries[begin].first.size() == depth; ++begin) {
      const auto id = static_cast<Node>(entries[begin].second + 1);
      if (depth > 0) units_[node] = (units_[node] & ~kIdMask) | id;
    }
    if (begin == end) continue;
    labels.clear();
    begins.clear();
    for (std::size_t i = begin; i < end; ++i) {
      const auto label = static_cast<unsigned char>(entries[i].first[depth]);
      if (!labels.empty() && labels.back() == label) continue;
      labels.push_back(label);
      begins.push_back(i);
    }
    begins.push_back(end);
    const std::size_t base = builder.Place(labels);
    units_[node] |= Node{base} << kBaseShift;
    for (std::size_t i = labels.size(); i-- > 0;) {
      open.push_back({base ^ labels[i], begins[i], begins[i + 1], depth + 1});
    }
  }
}

}  // namespace citeseek::inference
