// Operands: what the operations of a backend work on besides tensors. Plain numbers and pointers to
// the backend's memory: kernels take them as they are.
#pragma once

#include <cstdint>

namespace citeseek::inference {

// The keys and values of one layer, in blocks of kKvBlock tokens that sequences own by number.
// With values_in_keys the value is the first value_dim numbers of the key (MLA's latent).
inline constexpr int kKvBlock = 16;
struct KvCache {
  float* keys = nullptr;    // [blocks, heads, kKvBlock * key_dim]
  float* values = nullptr;  // [blocks, heads, kKvBlock * value_dim]; null with values_in_keys
  int heads = 0;
  int key_dim = 0;
  int value_dim = 0;
  bool values_in_keys = false;
};

// The sequences of one step. All pointers are to the backend's memory.
struct PagedBatch {
  int sequences = 0;
  const std::int32_t* query_start = nullptr;  // [sequences + 1] first token of each
  const std::int32_t* context = nullptr;      // [sequences] tokens in the cache after this step
  const std::int32_t* blocks = nullptr;       // [sequences, max_blocks] block numbers in order
  int max_blocks = 0;
};

struct RopeArgs {
  int heads = 1;
  int head_dim = 0;      // of x: head i lies at columns [i * head_dim, (i + 1) * head_dim)
  int rotary_begin = 0;  // within a head
  int rotary_dim = 0;
  bool interleaved = false;     // pairs (2i, 2i + 1); otherwise (i, i + rotary_dim / 2)
  const float* norm = nullptr;  // [head_dim] weight of an RMS norm of each head before; or null
  float norm_eps = 0;
};

struct AttendArgs {
  int heads = 0;    // of q
  float scale = 1;  // of the scores
  int window = 0;   // keys at distance >= window are not seen; 0: all are
};

struct RouteArgs {
  bool sigmoid = false;         // otherwise softmax over all experts
  const float* bias = nullptr;  // [experts] added for the choice only; or null
  int groups = 1;               // experts are chosen in the best top_groups groups
  int top_groups = 1;
  bool group_by_top2 = false;  // a group's score: sum of its two best (V3); otherwise its best (V2)
  bool normalize = false;      // weights sum to one
  float scale = 1;             // of the weights
};

enum class Nonlinearity { kSilu, kGelu, kGeluTanh, kTanh, kRelu };
enum class NormKind { kRms, kLayer };
enum class Pooling { kFirst, kMean };

}  // namespace citeseek::inference
