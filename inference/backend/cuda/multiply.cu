// Products with weights in any storage. The 32 threads of a warp share the inputs of an output:
// thread l takes inputs [256 i + 8 l, 256 i + 8 l + 8) for i = 0, 1, ..., and the threads' sums are
// added at the end. That order is the same for one row and for tiles of many, so the tile can suit
// the call and the result still be the same bits. One row is bound by reading weights, tiles by f32
// arithmetic.
#include "inference/backend/cuda/dequantize.cuh"
#include "inference/backend/cuda/kernels.h"
#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {
namespace {

constexpr int kWarps = 4;  // of a block; each has columns of its own

__device__ void LoadInputs(const float* x, int k, int end, float (&out)[kChunk]) {
  // A chunk that is whole and aligned comes in two pieces; what lies behind the end may be no
  // number.
  if (k + kChunk <= end && reinterpret_cast<std::uintptr_t>(x + k) % sizeof(float4) == 0) {
    const float4 a = reinterpret_cast<const float4*>(x + k)[0];
    const float4 b = reinterpret_cast<const float4*>(x + k)[1];
    out[0] = a.x, out[1] = a.y, out[2] = a.z, out[3] = a.w;
    out[4] = b.x, out[5] = b.y, out[6] = b.z, out[7] = b.w;
    return;
  }
#pragma unroll
  for (int i = 0; i < kChunk; ++i) out[i] = k + i < end ? x[k + i] : 0.0f;
}

// Grid: columns, tiles of rows, matrices. A warp computes kRows x kColumns outputs at a time.
template <Storage kStorage, int kRows, int kColumns>
__global__ void __launch_bounds__(kWarps* kWarp) MultiplyTiles(const Product p) {
  static_assert(kRows * kColumns <= kWarp, "a thread writes one output");
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / kWarp;
  const int matrix = static_cast<int>(blockIdx.z);
  const int column = warp * kColumns;
  if (column >= p.w.n) return;
  const int first = p.begin == nullptr ? 0 : p.begin[matrix];
  const int count = p.begin == nullptr ? p.rows : p.begin[matrix + 1] - first;
  const int step = static_cast<int>(gridDim.y) * kRows;
  for (int tile = static_cast<int>(blockIdx.y) * kRows; tile < count; tile += step) {
    // Rows and columns beyond the end repeat the last one.
    std::int64_t rows[kRows];
    const float* x[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int at = first + min(tile + r, count - 1);
      rows[r] = p.order == nullptr ? at : p.order[at];
      x[r] = p.x + rows[r] / p.share * p.x_stride + matrix * p.x_step;
    }
    float sums[kRows][kColumns] = {};
    for (int k = lane * kChunk; k < p.w.k; k += kWarp * kChunk) {
      float inputs[kRows][kChunk];
#pragma unroll
      for (int r = 0; r < kRows; ++r) LoadInputs(x[r], k, p.w.k, inputs[r]);
#pragma unroll
      for (int c = 0; c < kColumns; ++c) {
        float weights[kChunk];
        const std::int64_t n = std::int64_t{matrix} * p.w.n + min(column + c, p.w.n - 1);
        LoadWeights<kStorage>(p.w, n, k, weights);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
#pragma unroll
          for (int i = 0; i < kChunk; ++i) {
            sums[r][c] = fmaf(inputs[r][i], weights[i], sums[r][c]);
          }
        }
      }
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int c = 0; c < kColumns; ++c) {
        const float sum = WarpSum(sums[r][c]);
        if (lane != r * kColumns + c || tile + r >= count || column + c >= p.w.n) continue;
        float* y = p.y + rows[r] * p.y_stride + matrix * p.y_step + column + c;
        float start = p.accumulate ? *y : 0.0f;
        if (p.bias != nullptr) start += p.bias[column + c];
        *y = start + sum;
      }
    }
  }
}

unsigned Ceil(int a, int b) { return static_cast<unsigned>((a + b - 1) / b); }

template <Storage kStorage, int kRows, int kColumns>
void LaunchTiles(Stream stream, const Product& p, int rows) {
  const dim3 grid(Ceil(p.w.n, kWarps * kColumns), min(Ceil(rows, kRows), 65535u),
                  static_cast<unsigned>(p.w.count));
  Launch(stream, MultiplyTiles<kStorage, kRows, kColumns>, grid, kWarps * kWarp, 0, p);
}

template <Storage kStorage>
void MultiplyStorage(Stream stream, const Product& p) {
  // Of experts only the mean number of rows is known here: tiles beyond an expert's rows do
  // nothing.
  const int rows = p.begin == nullptr ? p.rows : (p.rows + p.w.count - 1) / p.w.count;
  if (rows == 1) {
    LaunchTiles<kStorage, 1, 2>(stream, p, rows);
  } else if (rows <= 4) {
    LaunchTiles<kStorage, 4, 4>(stream, p, rows);
  } else {
    LaunchTiles<kStorage, 8, 4>(stream, p, rows);
  }
}

constexpr int kSortThreads = 256;

// One block; a thread counts and lists the rows of its experts.
__global__ void SortRows(std::int32_t* order, std::int32_t* begin, const std::int32_t* ids,
                         int rows, int experts) {
  for (int e = static_cast<int>(threadIdx.x); e < experts; e += kSortThreads) {
    int count = 0;
    for (int i = 0; i < rows; ++i) count += ids[i] == e ? 1 : 0;
    begin[e + 1] = count;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    begin[0] = 0;
    for (int e = 0; e < experts; ++e) begin[e + 1] += begin[e];
  }
  __syncthreads();
  for (int e = static_cast<int>(threadIdx.x); e < experts; e += kSortThreads) {
    int at = begin[e];
    for (int i = 0; i < rows; ++i) {
      if (ids[i] == e) order[at++] = i;
    }
  }
}

}  // namespace

void Multiply(Stream stream, const Product& product) {
  switch (product.w.storage) {
    case Storage::kF16:
      return MultiplyStorage<Storage::kF16>(stream, product);
    case Storage::kBF16:
      return MultiplyStorage<Storage::kBF16>(stream, product);
    case Storage::kQ8:
      return MultiplyStorage<Storage::kQ8>(stream, product);
    case Storage::kQ4:
      return MultiplyStorage<Storage::kQ4>(stream, product);
    default:
      return MultiplyStorage<Storage::kF32>(stream, product);
  }
}

void SortByExpert(Stream stream, std::int32_t* order, std::int32_t* begin, const std::int32_t* ids,
                  int rows, int experts) {
  Launch(stream, SortRows, dim3(1), kSortThreads, 0, order, begin, ids, rows, experts);
}

}  // namespace citeseek::inference::cuda
