// Which experts a token goes to: one warp a token, the scores in the block's memory.
#include <climits>

#include "inference/backend/cuda/kernels.h"
#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {
namespace {

__device__ int Lane() { return static_cast<int>(threadIdx.x); }

// The index of the largest of values [begin, end) that is not taken, the lowest of equals; all of
// the warp get it. No value is a NaN, and not all are taken.
__device__ int Largest(const float* values, const float* taken, int begin, int end) {
  float best = -INFINITY;
  for (int i = begin + Lane(); i < end; i += kWarp) {
    if (taken[i] == 0) best = fmaxf(best, values[i]);
  }
  best = WarpMax(best);
  int index = INT_MAX;
  for (int i = begin + Lane(); i < end; i += kWarp) {
    if (taken[i] == 0 && values[i] == best) index = min(index, i);
  }
  return WarpMin(index);
}

__device__ void Mark(float* taken, int index) {
  if (Lane() == 0) taken[index] = 1;
  WarpBarrier();
}

// What a group is worth: its best score, or the sum of its two best.
__device__ float GroupScore(const float* choice, float* taken, int begin, int end, bool two) {
  const int best = Largest(choice, taken, begin, end);
  float score = choice[best];
  if (two && end - begin > 1) {
    Mark(taken, best);
    score += choice[Largest(choice, taken, begin, end)];
    WarpBarrier();  // the others have looked at taken
    if (Lane() == 0) taken[best] = 0;
    WarpBarrier();
  }
  return score == score ? score : -INFINITY;
}

// Block memory: scores, choice, taken [experts] each; group scores, groups taken [groups] each.
__global__ void RouteToken(const Tensor y, std::int32_t* ids, const Tensor logits,
                           const RouteArgs args) {
  const int experts = logits.cols;
  float* scores = BlockMemory();
  float* choice = scores + experts;
  float* taken = choice + experts;
  float* group_scores = taken + experts;
  float* groups_taken = group_scores + args.groups;
  const float* in = logits.data + blockIdx.x * logits.stride;

  float max = -INFINITY;
  for (int i = Lane(); i < experts; i += kWarp) max = fmaxf(max, in[i]);
  max = WarpMax(max);
  float total = 0;
  for (int i = Lane(); i < experts; i += kWarp) {
    scores[i] = args.sigmoid ? 1.0f / (1.0f + expf(-in[i])) : expf(in[i] - max);
    total += scores[i];
  }
  total = WarpSum(total);
  for (int i = Lane(); i < experts; i += kWarp) {
    if (!args.sigmoid) scores[i] /= total;
    const float value = args.bias == nullptr ? scores[i] : scores[i] + args.bias[i];
    choice[i] =
        value == value ? value : -INFINITY;  // broken weights must not lead out of the array
    taken[i] = 0;
  }
  for (int g = Lane(); g < args.groups; g += kWarp) groups_taken[g] = 0;
  WarpBarrier();

  if (args.top_groups < args.groups) {
    const int size = experts / args.groups;
    for (int g = 0; g < args.groups; ++g) {
      const float score = GroupScore(choice, taken, g * size, (g + 1) * size, args.group_by_top2);
      if (Lane() == 0) group_scores[g] = score;
    }
    WarpBarrier();
    for (int i = 0; i < args.top_groups; ++i) {
      Mark(groups_taken, Largest(group_scores, groups_taken, 0, args.groups));
    }
    for (int i = Lane(); i < args.groups * size; i += kWarp) {
      if (groups_taken[i / size] == 0) choice[i] = -INFINITY;
    }
    WarpBarrier();
  }

  float sum = 0;
  for (int slot = 0; slot < y.cols; ++slot) {
    const int best = Largest(choice, taken, 0, experts);
    WarpBarrier();
    Mark(taken, best);
    sum += scores[best];
    if (Lane() == 0) {
      ids[std::int64_t{blockIdx.x} * y.cols + slot] = best;
      y.data[blockIdx.x * y.stride + slot] = scores[best];
    }
  }
  WarpBarrier();
  const float factor = args.normalize ? args.scale / (sum + 1e-20f) : args.scale;
  for (int slot = Lane(); slot < y.cols; slot += kWarp) {
    y.data[blockIdx.x * y.stride + slot] *= factor;
  }
}

}  // namespace

void Route(Stream stream, Tensor y, std::int32_t* ids, Tensor logits, const RouteArgs& args) {
  const std::size_t memory =
      sizeof(float) * static_cast<std::size_t>(3 * logits.cols + 2 * args.groups);
  Launch(stream, RouteToken, dim3(static_cast<unsigned>(y.rows)), kWarp, memory, y, ids, logits,
         args);
}

}  // namespace citeseek::inference::cuda
