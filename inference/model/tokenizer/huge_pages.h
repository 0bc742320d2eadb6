// HugePages: an allocator whose larger blocks may lie in huge pages of memory.
//
// For tables that are read here and there: with pages of 4 KiB most of such reads miss the
// processor's translations of addresses, too. Thread-safe. Throws std::bad_alloc as std::allocator.
#pragma once

#include <cstddef>
#include <vector>

namespace citeseek::inference {

void* AllocateHuge(std::size_t bytes);
void FreeHuge(void* block, std::size_t bytes);

template <typename T>
struct HugePages {
  using value_type = T;
  HugePages() = default;
  template <typename U>
  HugePages(const HugePages<U>&) {}  // NOLINT(google-explicit-constructor): as allocators must

  T* allocate(std::size_t count) { return static_cast<T*>(AllocateHuge(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) { FreeHuge(block, count * sizeof(T)); }
  friend bool operator==(const HugePages&, const HugePages&) { return true; }
};

template <typename T>
using HugeVector = std::vector<T, HugePages<T>>;

}  // namespace citeseek::inference
