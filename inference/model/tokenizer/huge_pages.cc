#include "inference/model/tokenizer/huge_pages.h"

#include <sys/mman.h>

#include <new>

namespace citeseek::inference {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::align_val_t kLine{64};

std::align_val_t AlignmentOf(std::size_t bytes) {
  return bytes < kHugePage / 2 ? kLine : std::align_val_t{kHugePage};
}

}  // namespace

void* AllocateHuge(std::size_t bytes) {
  void* block = ::operator new(bytes, AlignmentOf(bytes));
  // Only asked for: where the system has none, ordinary pages do.
  if (bytes >= kHugePage / 2) madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

void FreeHuge(void* block, std::size_t bytes) { ::operator delete(block, AlignmentOf(bytes)); }

}  // namespace citeseek::inference
