// ByteTrie: finds the vocabulary entries that start at a place in a text.
//
// Immutable and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace citeseek::inference {

class ByteTrie {
 public:
  static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);
  static constexpr std::uint32_t kRoot = 0;

  ByteTrie() = default;
  // Of equal keys the last counts; empty keys are left out.
  explicit ByteTrie(std::vector<std::pair<std::string, std::int32_t>> entries);

  bool empty() const { return nodes_.size() <= 1; }

  // The node one byte further, kNone if nothing goes on that way.
  std::uint32_t Step(std::uint32_t node, char byte) const {
    const Node& parent = nodes_[node];
    if (parent.table != kNone) return tables_[parent.table][static_cast<unsigned char>(byte)];
    for (std::uint32_t i = parent.first; i < parent.first + parent.count; ++i) {
      if (nodes_[i].byte == byte) return i;
    }
    return kNone;
  }
  // The entry that ends at this node, or -1.
  std::int32_t IdAt(std::uint32_t node) const { return nodes_[node].id; }

 private:
  static constexpr std::uint16_t kManyChildren = 8;  // a table finds one of more
  struct Node {
    std::uint32_t first = 0;  // children lie together, by byte
    std::int32_t id = -1;
    std::uint32_t table = kNone;
    std::uint16_t count = 0;
    char byte = 0;
  };
  using Table = std::array<std::uint32_t, 256>;  // the child by byte, or kNone

  void MakeTable(Node& node);

  std::vector<Node> nodes_ = {Node{.table = 0}};
  std::vector<Table> tables_ = {NoChildren()};

  static Table NoChildren() {
    Table table;
    table.fill(kNone);
    return table;
  }
};

}  // namespace citeseek::inference
