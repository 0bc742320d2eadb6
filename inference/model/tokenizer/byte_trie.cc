#include "inference/model/tokenizer/byte_trie.h"

#include <algorithm>
#include <deque>

namespace citeseek::inference {

ByteTrie::ByteTrie(std::vector<std::pair<std::string, std::int32_t>> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  // Breadth first, so that the children of a node lie together. A range holds the entries that
  // agree on `depth` bytes.
  struct Range {
    std::uint32_t node;
    std::size_t begin, end, depth;
  };
  std::deque<Range> open = {{kRoot, 0, entries.size(), 0}};
  while (!open.empty()) {
    auto [node, begin, end, depth] = open.front();
    open.pop_front();
    while (begin < end && entries[begin].first.size() == depth) {
      if (depth > 0) nodes_[node].id = entries[begin].second;
      ++begin;
    }
    nodes_[node].first = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = entries[begin].first[depth];
      std::size_t next = begin + 1;
      while (next < end && entries[next].first[depth] == byte) ++next;
      const auto child = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back(Node{.byte = byte});
      ++nodes_[node].count;
      open.push_back({child, begin, next, depth + 1});
      begin = next;
    }
  }
  MakeTable(nodes_[kRoot]);
  for (Node& node : nodes_) {
    if (node.count > kManyChildren && node.table == kNone) MakeTable(node);
  }
}

void ByteTrie::MakeTable(Node& node) {
  if (node.table == kNone) {
    node.table = static_cast<std::uint32_t>(tables_.size());
    tables_.push_back(NoChildren());
  }
  for (std::uint32_t i = node.first; i < node.first + node.count; ++i) {
    tables_[node.table][static_cast<unsigned char>(nodes_[i].byte)] = i;
  }
}

}  // namespace citeseek::inference
