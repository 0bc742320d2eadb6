#include "indexer/store/postings.h"

#include <algorithm>
#include <array>

#include "indexer/store/bitpack.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kBlock = PostingCursor::kBlockSize;
static_assert(kBlock == kPackedValues);

// Skip table: last passage u32 [blocks], offset u32 [blocks], largest frequency u16 [blocks],
// shortest length u16 [blocks].
constexpr std::size_t kSkipBytes = 12;

constexpr int kMaxCheckedBits = 24;

void EncodeTail(std::span<const Posting> postings, std::uint32_t before, std::string& out) {
  for (const Posting& posting : postings) {
    const std::uint64_t gap = posting.passage - before - 1;  // before + 1 may be 2^32
    PutVarint(out, (gap & 0xFFFFFFFF) << 1 | (posting.frequency > 1 ? 1 : 0));
    if (posting.frequency > 1) PutVarint(out, posting.frequency - 2);
    before = posting.passage;
  }
}

void EncodeFull(std::span<const Posting> postings, std::uint32_t before, std::string& out) {
  std::array<std::uint32_t, kBlock> gaps;
  std::array<std::uint32_t, kBlock> frequencies;
  for (std::size_t i = 0; i < kBlock; ++i) {
    gaps[i] = postings[i].passage - before - 1;
    frequencies[i] = postings[i].frequency - 1;
    before = postings[i].passage;
  }
  const int gap_bits = BitsNeeded(gaps);
  const int frequency_bits = BitsNeeded(frequencies);
  out.push_back(static_cast<char>(gap_bits));
  out.push_back(static_cast<char>(frequency_bits));
  Pack(gaps, gap_bits, out);
  Pack(frequencies, frequency_bits, out);
}

class SinglePostingCursor final : public PostingCursor {
 public:
  explicit SinglePostingCursor(const PostingList& list)
      : passage_(list.single.passage),
        frequency_(list.single.frequency),
        min_length_(list.min_length) {}

  std::uint32_t passage_count() const override { return 1; }
  std::uint32_t max_frequency() const override { return frequency_; }
  std::uint32_t min_length() const override { return min_length_; }
  void SeekBlock(PassageId passage) override { ended_ = passage > passage_; }
  PassageId block_last() const override { return ended_ ? kNoMorePassages : passage_; }
  std::uint32_t block_max_frequency() const override { return frequency_; }
  std::uint32_t block_min_length() const override { return min_length_; }
  std::span<const PassageId> passages() override { return {&passage_, ended_ ? 0U : 1U}; }
  std::span<const std::uint32_t> frequencies() override { return {&frequency_, ended_ ? 0U : 1U}; }

 private:
  PassageId passage_;
  std::uint32_t frequency_;
  std::uint32_t min_length_;
  bool ended_ = false;
};

class BlockPostingCursor final : public PostingCursor {
 public:
  BlockPostingCursor(const PostingList& list, std::uint32_t passage_count)
      : list_(list), passage_limit_(passage_count) {
    blocks_ = (list.count + kBlock - 1) / kBlock;
    if (blocks_ == 1) {
      DecodeTail(list.bytes, kNoMorePassages, list.count);
      single_last_ = passages_[size_ - 1];
    }
    Enter(0);
  }

  std::uint32_t passage_count() const override { return list_.count; }
  std::uint32_t max_frequency() const override { return list_.max_frequency; }
  std::uint32_t min_length() const override { return list_.min_length; }
  PassageId block_last() const override { return last_; }

  void SeekBlock(PassageId passage) override {
    if (block_ < blocks_ && passage <= last_ && (block_ == 0 || passage > Before(block_))) return;
    std::size_t low = 0;
    std::size_t high = blocks_;  // the block sought is in [low, high]
    if (block_ < blocks_ && passage > last_) {
      low = block_ + 1;
      for (std::size_t step = 1; low + step <= blocks_; step *= 2) {
        if (Last(low + step - 1) >= passage) {
          high = low + step - 1;
          break;
        }
        low += step;
      }
    }
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (Last(middle) >= passage) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    Enter(low);
  }

  std::uint32_t block_max_frequency() const override {
    if (blocks_ == 1 || block_ >= blocks_) return list_.max_frequency;
    return Skip<std::uint16_t>(8 * blocks_ + 2 * block_);
  }

  std::uint32_t block_min_length() const override {
    if (blocks_ == 1 || block_ >= blocks_) return list_.min_length;
    return Skip<std::uint16_t>(10 * blocks_ + 2 * block_);
  }

  std::span<const PassageId> passages() override {
    if (block_ >= blocks_) return {};
    DecodePassages();
    return {passages_.data(), size_};
  }

  std::span<const std::uint32_t> frequencies() override {
    if (block_ >= blocks_) return {};
    DecodePassages();
    if (!frequencies_decoded_) {
      Unpack(packed_frequencies_, frequency_bits_, 1, frequencies_.data());
      frequencies_decoded_ = true;
    }
    return {frequencies_.data(), size_};
  }

 private:
  template <typename T>
  T Skip(std::size_t offset) const {
    return LoadFixed<T>(list_.bytes.data() + offset);
  }

  PassageId Last(std::size_t block) const {
    return blocks_ == 1 ? single_last_ : Skip<std::uint32_t>(4 * block);
  }

  // The last passage of the block before.
  PassageId Before(std::size_t block) const {
    return block == 0 ? kNoMorePassages : Last(block - 1);
  }

  void Enter(std::size_t block) {
    block_ = block;
    decoded_ = blocks_ == 1;
    if (block >= blocks_) {
      last_ = kNoMorePassages;
      return;
    }
    last_ = Last(block);
    // A damaged skip table ends the list rather than break the order.
    if (last_ >= passage_limit_ || (block > 0 && last_ <= Before(block))) {
      block_ = blocks_;
      last_ = kNoMorePassages;
    }
  }

  void DecodePassages() {
    if (decoded_) return;
    decoded_ = true;
    const Bytes data = list_.bytes.subspan(kSkipBytes * blocks_);
    const std::uint32_t start = Skip<std::uint32_t>(4 * blocks_ + 4 * block_);
    const std::uint32_t count =
        block_ + 1 < blocks_ ? kBlock
                             : static_cast<std::uint32_t>(list_.count - kBlock * (blocks_ - 1));
    const std::uint32_t before = Before(block_);
    const Bytes block = start <= data.size() ? data.subspan(start) : Bytes();
    if (count == kBlock) {
      DecodeFull(block, before);
    } else {
      DecodeTail(block, before, count);
    }
    if (passages_[size_ - 1] != last_) UseLastOnly();
  }

  void DecodeFull(Bytes block, std::uint32_t before) {
    size_ = kBlock;
    if (block.size() < 2) return UseLastOnly();
    const int gap_bits = block[0];
    const int frequency_bits = block[1];
    // Wider gaps than kMaxCheckedBits do not fit in kMaxPassages often enough to be worth a check
    // of their sum: they take the slow way.
    if (gap_bits > 32 || frequency_bits > 16 ||
        block.size() < 2 + PackedBytes(gap_bits) + PackedBytes(frequency_bits)) {
      return UseLastOnly();
    }
    UnpackGaps(block.data() + 2, gap_bits, before, passages_.data());
    if (gap_bits > kMaxCheckedBits && !Ascends(before)) return UseLastOnly();
    packed_frequencies_ = block.data() + 2 + PackedBytes(gap_bits);
    frequency_bits_ = frequency_bits;
    frequencies_decoded_ = false;
  }

  bool Ascends(std::uint32_t before) const {
    std::uint64_t previous = static_cast<std::uint64_t>(before) + 1;
    for (const PassageId passage : passages_) {
      if (static_cast<std::uint64_t>(passage) + 1 <= (previous & 0xFFFFFFFF)) return false;
      previous = static_cast<std::uint64_t>(passage) + 1;
    }
    return true;
  }

  void DecodeTail(Bytes block, std::uint32_t before, std::uint32_t count) {
    size_ = 0;
    frequencies_decoded_ = true;
    std::uint64_t next = (static_cast<std::uint64_t>(before) + 1) & 0xFFFFFFFF;
    ByteReader reader(block);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t code = reader.Varint();
      const std::uint64_t frequency = (code & 1) != 0 ? reader.Varint() + 2 : 1;
      if (!reader.ok() || frequency > kMaxFrequency || code >> 1 >= passage_limit_) break;
      next += code >> 1;
      if (next >= passage_limit_) break;
      passages_[size_] = static_cast<PassageId>(next);
      frequencies_[size_] = static_cast<std::uint32_t>(frequency);
      ++size_;
      ++next;
    }
    if (size_ == 0) UseLastOnly();
  }

  void UseLastOnly() {
    size_ = 1;
    passages_[0] = last_;
    frequencies_[0] = 1;
    frequencies_decoded_ = true;
  }

  PostingList list_;
  std::uint32_t passage_limit_;
  std::size_t blocks_ = 0;
  std::size_t block_ = 0;
  PassageId last_ = kNoMorePassages;
  PassageId single_last_ = kNoMorePassages;
  bool decoded_ = false;
  bool frequencies_decoded_ = false;
  const std::uint8_t* packed_frequencies_ = nullptr;
  int frequency_bits_ = 0;
  std::size_t size_ = 0;
  std::array<PassageId, kBlock> passages_;
  std::array<std::uint32_t, kBlock> frequencies_;
};

}  // namespace

PostingList EncodePostings(std::span<const Posting> postings,
                           std::span<const std::uint32_t> lengths, std::string& out) {
  PostingList list{.count = static_cast<std::uint32_t>(postings.size()),
                   .min_length = kNoMorePassages};
  for (const Posting& posting : postings) {
    list.max_frequency = std::max(list.max_frequency, posting.frequency);
    list.min_length = std::min(list.min_length, lengths[posting.passage]);
  }
  if (postings.size() == 1) {
    list.single = postings[0];
    return list;
  }
  if (postings.size() <= kBlock) {
    EncodeTail(postings, kNoMorePassages, out);
    return list;
  }
  std::string lasts;
  std::string offsets;
  std::string frequencies;
  std::string shortest;
  std::string data;
  std::uint32_t before = kNoMorePassages;
  for (std::size_t start = 0; start < postings.size(); start += kBlock) {
    const auto block = postings.subspan(start, std::min(kBlock, postings.size() - start));
    std::uint32_t max_frequency = 0;
    std::uint32_t min_length = kMaxFrequency;
    for (const Posting& posting : block) {
      max_frequency = std::max(max_frequency, posting.frequency);
      min_length = std::min(min_length, lengths[posting.passage]);
    }
    PutFixed<std::uint32_t>(lasts, block.back().passage);
    PutFixed<std::uint32_t>(offsets, static_cast<std::uint32_t>(data.size()));
    PutFixed<std::uint16_t>(frequencies, static_cast<std::uint16_t>(max_frequency));
    PutFixed<std::uint16_t>(shortest, static_cast<std::uint16_t>(min_length));
    if (block.size() == kBlock) {
      EncodeFull(block, before, data);
    } else {
      EncodeTail(block, before, data);
    }
    before = block.back().passage;
  }
  out.append(lasts).append(offsets).append(frequencies).append(shortest).append(data);
  return list;
}

std::unique_ptr<PostingCursor> MakePostingCursor(const PostingList& list,
                                                 std::uint32_t passage_count) {
  if (list.count == 0 || list.count > passage_count || passage_count > kMaxPassages) {
    return nullptr;
  }
  if (list.count == 1) {
    if (list.single.passage >= passage_count) return nullptr;
    return std::make_unique<SinglePostingCursor>(list);
  }
  const std::size_t blocks = (list.count + kBlock - 1) / kBlock;
  if (blocks > 1 && list.bytes.size() < blocks * kSkipBytes) return nullptr;
  return std::make_unique<BlockPostingCursor>(list, passage_count);
}

}  // namespace citeseek::indexer
