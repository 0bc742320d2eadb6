// ByteTrie: finds the vocabulary entries that start at a place in a text.
//
// A double array (Aoe 1989), its children found by exclusive or: a step reads one place of memory.
// Immutable and thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "inference/model/tokenizer/huge_pages.h"

namespace citeseek::inference {

class ByteTrie {
 public:
  using Node = std::uint64_t;
  static constexpr Node kNone = static_cast<Node>(-1);

  // Ids are in [0, kMaxId]. Of equal keys the last counts; empty keys are left out.
  static constexpr std::int32_t kMaxId = (1 << 25) - 2;
  ByteTrie() : ByteTrie(std::vector<std::pair<std::string, std::int32_t>>()) {}
  explicit ByteTrie(std::vector<std::pair<std::string, std::int32_t>> entries);

  Node Root() const { return units_[0]; }
  bool empty() const { return BaseOf(Root()) == 0; }

  // The node one byte further, kNone if nothing goes on that way.
  Node Step(Node node, char byte) const {
    const auto label = static_cast<unsigned char>(byte);
    const Node child = units_[BaseOf(node) ^ label];
    return (child >> kLabelShift & kLabelMask) == label ? child : kNone;
  }
  // The entry that ends at this node, or -1.
  static std::int32_t IdAt(Node node) { return static_cast<std::int32_t>(node & kIdMask) - 1; }

 private:
  // From below: the id + 1; the byte that leads here, kFree if none does; the base of the children.
  static constexpr int kLabelShift = 26;
  static constexpr int kBaseShift = 35;
  static constexpr Node kIdMask = (Node{1} << kLabelShift) - 1;
  static constexpr Node kLabelMask = (Node{1} << (kBaseShift - kLabelShift)) - 1;
  static constexpr Node kFree = 256;
  class Builder;

  static std::size_t BaseOf(Node node) { return static_cast<std::size_t>(node >> kBaseShift); }

  // Whole blocks of 256. Of the first, where the children of leaves would be, only the root is
  // used.
  HugeVector<Node> units_;
};

}  // namespace citeseek::inference
