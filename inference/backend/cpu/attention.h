// Attention: softmax(q . k) . v over cached or plain keys, on all threads.
//
// Keys are gone through in tiles at absolute positions with a running maximum (Milakov and
// Gimelshein 2018; Dao et al. 2022), so that a query's result does not depend on how its prompt was
// cut into chunks. Single-threaded from outside; scratch memory grows to the largest call and
// stays.
#pragma once

#include <cstdint>
#include <vector>

#include "inference/backend/backend.h"
#include "inference/backend/cpu/thread_pool.h"

namespace citeseek::inference {

class CpuAttention {
 public:
  explicit CpuAttention(ThreadPool& pool);

  void Append(const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots);
  void Paged(Tensor y, Tensor q, const KvCache& cache, const PagedBatch& batch,
             const AttendArgs& args);
  void Full(Tensor y, Tensor q, Tensor k, Tensor v, const std::int32_t* starts, int sequences,
            const AttendArgs& args);

 private:
  struct Scratch;
  struct Keys;
  struct Item {  // rows of (query, head of the group) that share a key head
    int sequence = 0;
    int kv_head = 0;
    int first_row = 0;
    int rows = 0;
  };

  // Softmax over the keys that each of the scratch's rows may see.
  static void Attend(const Keys& keys, float scale, Scratch& scratch);

  ThreadPool& pool_;
  std::vector<Item> items_;
  std::vector<Scratch> scratch_;  // [threads]

 public:
  ~CpuAttention();
};

}  // namespace citeseek::inference
