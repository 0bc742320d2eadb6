// What happens to a row of numbers: embedding, norms, rotation, activations, sums and moves.
#include "inference/backend/cuda/dequantize.cuh"
#include "inference/backend/cuda/kernels.h"
#include "inference/backend/cuda/reduce.cuh"
#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {
namespace {

constexpr int kThreads = 128;

__device__ int Thread() { return static_cast<int>(threadIdx.x); }
// The column of a grid over columns and rows.
__device__ int Column() { return static_cast<int>(blockIdx.x) * kThreads + Thread(); }

unsigned Ceil(std::int64_t a, int b) { return static_cast<unsigned>((a + b - 1) / b); }
dim3 RowGrid(Tensor y) { return dim3(static_cast<unsigned>(y.rows)); }
dim3 ColumnGrid(Tensor y) { return dim3(Ceil(y.cols, kThreads), static_cast<unsigned>(y.rows)); }

template <Storage kStorage>
__global__ void EmbedRow(const Tensor y, const Weights table, const std::int32_t* ids,
                         bool accumulate) {
  const int row = static_cast<int>(blockIdx.x);
  float* out = y.data + row * y.stride;
  for (int k = Thread() * kChunk; k < table.k; k += kThreads * kChunk) {
    float weights[kChunk];
    LoadWeights<kStorage>(table, ids[row], k, weights);
    for (int i = 0; i < kChunk && k + i < table.k; ++i) {
      out[k + i] = accumulate ? out[k + i] + weights[i] : weights[i];
    }
  }
}

__global__ void NormRow(const Tensor y, const Tensor x, const float* weight, const float* bias,
                        float eps, bool center) {
  const float* in = x.data + blockIdx.x * x.stride;
  float* out = y.data + blockIdx.x * y.stride;
  const float count = static_cast<float>(x.cols);
  float mean = 0;
  if (center) {
    for (int i = Thread(); i < x.cols; i += kThreads) mean += in[i];
    mean = BlockSum(mean) / count;
  }
  float squares = 0;
  for (int i = Thread(); i < x.cols; i += kThreads) {
    squares = fmaf(in[i] - mean, in[i] - mean, squares);
  }
  const float factor = 1.0f / sqrtf(BlockSum(squares) / count + eps);
  for (int i = Thread(); i < x.cols; i += kThreads) {
    const float value = (in[i] - mean) * factor * weight[i];
    out[i] = bias == nullptr ? value : value + bias[i];
  }
}

// A warp a head.
__global__ void RotateHead(const Tensor x, const float* angles, const RopeArgs args) {
  const int lane = Thread() % kWarp;
  const int warp = static_cast<int>(blockIdx.x) * (kThreads / kWarp) + Thread() / kWarp;
  const int row = warp / args.heads;
  if (row >= x.rows) return;
  float* head = x.data + row * x.stride + std::int64_t{warp % args.heads} * args.head_dim;
  if (args.norm != nullptr) {
    float squares = 0;
    for (int i = lane; i < args.head_dim; i += kWarp) squares = fmaf(head[i], head[i], squares);
    const float mean = WarpSum(squares) / static_cast<float>(args.head_dim);
    const float factor = 1.0f / sqrtf(mean + args.norm_eps);
    for (int i = lane; i < args.head_dim; i += kWarp) head[i] = head[i] * factor * args.norm[i];
    WarpBarrier();  // a pair may have been another thread's
  }
  const int half = args.rotary_dim / 2;
  const float* cosines = angles + std::int64_t{row} * args.rotary_dim;
  const float* sines = cosines + half;
  const int step = args.interleaved ? 2 : 1;
  const int other = args.interleaved ? 1 : half;
  for (int i = lane; i < half; i += kWarp) {
    float* pair = head + args.rotary_begin + i * step;
    const float a = pair[0];
    const float b = pair[other];
    pair[0] = a * cosines[i] - b * sines[i];
    pair[other] = b * cosines[i] + a * sines[i];
  }
}

template <Nonlinearity kKind>
__device__ float Apply(float x) {
  if constexpr (kKind == Nonlinearity::kSilu) {
    return x / (1.0f + expf(-x));
  } else if constexpr (kKind == Nonlinearity::kGelu) {
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
  } else if constexpr (kKind == Nonlinearity::kGeluTanh) {
    const float inner = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    return 0.5f * x * (1.0f + tanhf(inner));
  } else if constexpr (kKind == Nonlinearity::kTanh) {
    return tanhf(x);
  } else {
    return x > 0 ? x : 0.0f;
  }
}

template <Nonlinearity kKind>
__global__ void ActivateColumn(const Tensor y, const Tensor x, bool gated) {
  const int i = Column();
  if (i >= y.cols) return;
  const float* in = x.data + blockIdx.y * x.stride;
  const float value = Apply<kKind>(in[i]);
  y.data[blockIdx.y * y.stride + i] = gated ? value * in[y.cols + i] : value;
}

__global__ void CombineColumn(const Tensor y, const Tensor x, const Tensor weights) {
  const int i = Column();
  if (i >= y.cols) return;
  const std::int64_t row = blockIdx.y;
  float sum = y.data[row * y.stride + i];
  for (int s = 0; s < weights.cols; ++s) {
    sum = fmaf(weights.data[row * weights.stride + s],
               x.data[(row * weights.cols + s) * x.stride + i], sum);
  }
  y.data[row * y.stride + i] = sum;
}

__global__ void GatherColumn(const Tensor y, const Tensor x, const std::int32_t* rows) {
  const int i = Column();
  if (i < y.cols) y.data[blockIdx.y * y.stride + i] = x.data[rows[blockIdx.y] * x.stride + i];
}

__global__ void PoolColumn(const Tensor y, const Tensor x, const std::int32_t* starts, bool mean) {
  const int i = Column();
  if (i >= y.cols) return;
  const int begin = starts[blockIdx.y];
  const int end = mean ? starts[blockIdx.y + 1] : begin + 1;
  float sum = x.data[begin * x.stride + i];
  for (int row = begin + 1; row < end; ++row) sum += x.data[row * x.stride + i];
  y.data[blockIdx.y * y.stride + i] = mean ? sum / static_cast<float>(end - begin) : sum;
}

template <Nonlinearity kKind>
void LaunchActivate(Stream stream, Tensor y, Tensor x) {
  Launch(stream, ActivateColumn<kKind>, ColumnGrid(y), kThreads, 0, y, x, x.cols == 2 * y.cols);
}

template <Storage kStorage>
void LaunchEmbed(Stream stream, Tensor y, const Weights& table, const std::int32_t* ids,
                 bool accumulate) {
  Launch(stream, EmbedRow<kStorage>, RowGrid(y), kThreads, 0, y, table, ids, accumulate);
}

}  // namespace

void EmbedRows(Stream stream, Tensor y, const Weights& table, const std::int32_t* ids,
               bool accumulate) {
  switch (table.storage) {
    case Storage::kF16:
      return LaunchEmbed<Storage::kF16>(stream, y, table, ids, accumulate);
    case Storage::kBF16:
      return LaunchEmbed<Storage::kBF16>(stream, y, table, ids, accumulate);
    case Storage::kQ8:
      return LaunchEmbed<Storage::kQ8>(stream, y, table, ids, accumulate);
    case Storage::kQ4:
      return LaunchEmbed<Storage::kQ4>(stream, y, table, ids, accumulate);
    default:
      return LaunchEmbed<Storage::kF32>(stream, y, table, ids, accumulate);
  }
}

void Norm(Stream stream, Tensor y, Tensor x, const float* weight, const float* bias, float eps,
          NormKind kind) {
  Launch(stream, NormRow, RowGrid(y), kThreads, 0, y, x, weight, bias, eps,
         kind == NormKind::kLayer);
}

void Rope(Stream stream, Tensor x, const float* angles, const RopeArgs& args) {
  const unsigned blocks = Ceil(std::int64_t{x.rows} * args.heads, kThreads / kWarp);
  Launch(stream, RotateHead, dim3(blocks), kThreads, 0, x, angles, args);
}

void Activate(Stream stream, Tensor y, Tensor x, Nonlinearity nonlinearity) {
  switch (nonlinearity) {
    case Nonlinearity::kSilu:
      return LaunchActivate<Nonlinearity::kSilu>(stream, y, x);
    case Nonlinearity::kGelu:
      return LaunchActivate<Nonlinearity::kGelu>(stream, y, x);
    case Nonlinearity::kGeluTanh:
      return LaunchActivate<Nonlinearity::kGeluTanh>(stream, y, x);
    case Nonlinearity::kTanh:
      return LaunchActivate<Nonlinearity::kTanh>(stream, y, x);
    case Nonlinearity::kRelu:
      return LaunchActivate<Nonlinearity::kRelu>(stream, y, x);
  }
}

void Combine(Stream stream, Tensor y, Tensor x, Tensor weights) {
  Launch(stream, CombineColumn, ColumnGrid(y), kThreads, 0, y, x, weights);
}

void GatherRows(Stream stream, Tensor y, Tensor x, const std::int32_t* rows) {
  Launch(stream, GatherColumn, ColumnGrid(y), kThreads, 0, y, x, rows);
}

void Pool(Stream stream, Tensor y, Tensor x, const std::int32_t* starts, Pooling pooling) {
  Launch(stream, PoolColumn, ColumnGrid(y), kThreads, 0, y, x, starts, pooling == Pooling::kMean);
}

}  // namespace citeseek::inference::cuda
