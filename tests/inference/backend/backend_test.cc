// Every operation of every backend against a plain double-precision version of its definition, on
// shapes that fit no vector, panel or block.
#include "inference/backend/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/inference/test_backend.h"

namespace citeseek::inference {
namespace {

struct Maker {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<Backend>>()> make;
  bool slow = false;
};

void PrintTo(const Maker& maker, std::ostream* out) { *out << maker.name; }  // for CTest

class BackendTest : public testing::TestWithParam<Maker> {
 protected:
  void SetUp() override {
    auto backend = GetParam().make();
    if (!backend.ok()) GTEST_SKIP() << backend.status();
    backend_ = *std::move(backend);
  }
  void TearDown() override {
    if (backend_ == nullptr) return;
    EXPECT_TRUE(backend_->status().ok()) << backend_->status();
  }

  std::vector<float> Random(std::size_t count, float scale = 1.0f) {
    std::vector<float> out(count);
    std::normal_distribution<float> normal(0.0f, scale);
    for (float& v : out) v = normal(random_);
    return out;
  }

  template <typename T>
  T* Put(const std::vector<T>& values) {
    auto buffer = backend_->Allocate(values.size() * sizeof(T));
    if (!buffer.ok()) throw std::bad_alloc();
    T* data = static_cast<T*>((*buffer)->data);
    backend_->Write(data, values.data(), values.size() * sizeof(T));
    buffers_.push_back(*std::move(buffer));
    return data;
  }

  Tensor PutTensor(const std::vector<float>& values, int rows, int cols) {
    return {Put(values), rows, cols, cols};
  }

  std::vector<float> Get(Tensor t) {
    std::vector<float> out;
    for (int r = 0; r < t.rows; ++r) {
      out.resize(out.size() + static_cast<std::size_t>(t.cols));
      backend_->Read(out.data() + r * t.cols, t.Row(r),
                     static_cast<std::size_t>(t.cols) * sizeof(float));
    }
    return out;
  }

  // count matrices [n, k] of these f32 numbers.
  std::unique_ptr<Matrix> PutMatrix(const std::vector<float>& weights, int count, int n, int k,
                                    Storage storage) {
    std::vector<MatrixParts> matrices;
    const auto bytes = std::as_bytes(std::span(weights));
    const std::size_t each = static_cast<std::size_t>(n) * static_cast<std::size_t>(k) * 4;
    for (int i = 0; i < count; ++i) {
      // In two parts, as a fused projection is.
      const std::int64_t upper = n / 3;
      const auto whole = bytes.subspan(static_cast<std::size_t>(i) * each, each);
      const std::size_t cut = static_cast<std::size_t>(upper * k) * 4;
      MatrixParts parts;
      if (upper > 0) parts.push_back({DType::kF32, {upper, k}, whole.first(cut)});
      parts.push_back({DType::kF32, {n - upper, k}, whole.subspan(cut)});
      matrices.push_back(parts);
    }
    auto matrix = backend_->MakeMatrix(matrices, storage);
    EXPECT_TRUE(matrix.ok()) << matrix.status();
    return *std::move(matrix);
  }

  // The weights as the backend keeps them, read back row by row.
  std::vector<float> Stored(const Matrix& matrix) {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(matrix.n));
    for (int i = 0; i < matrix.n; ++i) ids[static_cast<std::size_t>(i)] = i;
    const Tensor out = PutTensor(std::vector<float>(static_cast<std::size_t>(matrix.n * matrix.k)),
                                 matrix.n, matrix.k);
    backend_->EmbedRows(out, matrix, Put(ids), false);
    return Get(out);
  }

  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::mt19937 random_{7};
};

// The deviation of a product from that with exact inputs, where a backend rounds them to `levels`
// either side of zero in blocks of 32: rounding errors are spread evenly over one step.
double RoundingDeviation(const float* x, const float* w, int k, int levels) {
  double sum = 0;
  for (int begin = 0; begin < k; begin += 32) {
    const int end = std::min(k, begin + 32);
    double max = 0;
    double squares = 0;
    for (int i = begin; i < end; ++i) {
      max = std::max(max, std::abs(double{x[i]}));
      squares += double{w[i]} * double{w[i]};
    }
    sum += max * max / (levels * levels) / 12 * squares;
  }
  return std::sqrt(sum);
}

double Dot(const float* a, const float* b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

TEST_P(BackendTest, LinearMultipliesEveryStorageOnOddShapes) {
  for (const Storage storage :
       {Storage::kF32, Storage::kF16, Storage::kBF16, Storage::kQ8, Storage::kQ5, Storage::kQ4}) {
    for (const auto& [t, n, k] : std::vector<std::array<int, 3>>{{1, 1, 1},
                                                                 {1, 16, 32},
                                                                 {2, 17, 33},
                                                                 {3, 5, 64},
                                                                 {7, 50, 100},
                                                                 {13, 100, 520},
                                                                 {30, 33, 1111}}) {
      const std::vector<float> x = Random(static_cast<std::size_t>(t * k));
      const std::vector<float> weights = Random(static_cast<std::size_t>(n * k));
      const std::vector<float> bias = Random(static_cast<std::size_t>(n));
      const std::vector<float> before = Random(static_cast<std::size_t>(t * n));
      const auto w = PutMatrix(weights, 1, n, k, storage);
      const std::vector<float> kept = Stored(*w);
      const bool quantized = IsQuantized(storage);
      for (const bool accumulate : {false, true}) {
        const Tensor y = PutTensor(before, t, n);
        backend_->Linear(y, PutTensor(x, t, k), *w, Put(bias), accumulate);
        const std::vector<float> out = Get(y);
        for (int r = 0; r < t; ++r) {
          for (int j = 0; j < n; ++j) {
            const auto at = static_cast<std::size_t>(r * n + j);
            const float* row = &x[static_cast<std::size_t>(r * k)];
            const float* column = &kept[static_cast<std::size_t>(j * k)];
            const double expected = Dot(row, column, k) + bias[static_cast<std::size_t>(j)] +
                                    (accumulate ? before[at] : 0.0f);
            const double limit =
                1e-6 * k + 2e-5 + (quantized ? 6 * RoundingDeviation(row, column, k, 64) : 0.0);
            ASSERT_NEAR(out[at], expected, limit)
                << static_cast<int>(storage) << " " << t << "x" << n << "x" << k;
          }
        }
      }
    }
  }
}

TEST_P(BackendTest, StorageKeepsWeightsAsCloselyAsItsBitsAllow) {
  const int n = 20;
  const int k = 96;
  const std::vector<float> weights = Random(static_cast<std::size_t>(n * k));
  const std::vector<std::pair<Storage, float>> worst = {
      {Storage::kF32, 0.0f}, {Storage::kF16, 0.003f}, {Storage::kBF16, 0.02f},
      {Storage::kQ8, 0.03f}, {Storage::kQ5, 0.2f},    {Storage::kQ4, 0.4f}};
  for (const auto& [storage, limit] : worst) {
    const auto w = PutMatrix(weights, 1, n, k, storage);
    const std::vector<float> kept = Stored(*w);
    for (std::size_t i = 0; i < kept.size(); ++i) ASSERT_NEAR(kept[i], weights[i], limit);
  }
}

TEST_P(BackendTest, PartsOfSeveralTypesAllKeepTheirBits) {
  const std::vector<float> fine = {1.0f + 0x1p-20f, 3.0f};
  const std::vector<std::uint16_t> coarse = {0x3f81, 0x4040};  // BF16: 1 + 2^-7, 3
  const std::vector<std::uint16_t> half = {0x3c01, 0x4200};    // F16: 1 + 2^-10, 3
  const auto part = [](DType dtype, const auto& row) -> TensorView {
    return {dtype, {1, 2}, std::as_bytes(std::span(row))};
  };
  const MatrixParts parts = {part(DType::kBF16, coarse), part(DType::kF32, fine),
                             part(DType::kF16, half)};
  const auto matrix = backend_->MakeMatrix({&parts, 1}, Storage::kAsStored);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_EQ(Stored(**matrix),
            (std::vector<float>{1 + 0x1p-7f, 3, 1 + 0x1p-20f, 3, 1 + 0x1p-10f, 3}));
}

TEST_P(BackendTest, MemoryTakenIsWhatWasSaidBeforehand) {
  const std::vector<float> weights = Random(3 * 20 * 70);
  const auto bytes = std::as_bytes(std::span(weights));
  std::vector<MatrixParts> matrices;
  for (std::size_t i = 0; i < 3; ++i) {
    matrices.push_back({{DType::kF32, {20, 70}, bytes.subspan(i * 20 * 70 * 4, 20 * 70 * 4)}});
  }
  for (const Storage storage : {Storage::kAsStored, Storage::kF32, Storage::kF16, Storage::kBF16,
                                Storage::kQ8, Storage::kQ5, Storage::kQ4}) {
    const auto matrix = backend_->MakeMatrix(matrices, storage);
    ASSERT_TRUE(matrix.ok()) << matrix.status();
    const auto said = backend_->MatrixBytes(matrices, storage);
    ASSERT_TRUE(said.ok()) << said.status();
    EXPECT_EQ((*matrix)->bytes, *said);
  }
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{3} << 20}) {
    const auto buffer = backend_->Allocate(size);
    ASSERT_TRUE(buffer.ok()) << buffer.status();
    EXPECT_EQ((*buffer)->bytes, backend_->BufferBytes(size));
  }
}

TEST_P(BackendTest, ARowsResultDoesNotDependOnTheRowsBesideIt) {
  for (const Storage storage :
       {Storage::kF32, Storage::kBF16, Storage::kQ8, Storage::kQ5, Storage::kQ4}) {
    const int t = GetParam().slow ? 29 : 150;  // more than go through the weights together
    const int n = GetParam().slow ? 22 : 70;
    const int k = 1100;
    const std::vector<float> x = Random(static_cast<std::size_t>(t * k));
    const auto w = PutMatrix(Random(static_cast<std::size_t>(n * k)), 1, n, k, storage);
    const Tensor input = PutTensor(x, t, k);
    const Tensor all = PutTensor(std::vector<float>(static_cast<std::size_t>(t * n)), t, n);
    backend_->Linear(all, input, *w, nullptr, false);
    for (const int part : {1, 3, 4, 6, 13, 131}) {
      const Tensor some = PutTensor(std::vector<float>(static_cast<std::size_t>(t * n)), t, n);
      for (int begin = 0; begin < t; begin += part) {
        const int rows = std::min(part, t - begin);
        backend_->Linear({some.Row(begin), rows, n, n}, {input.Row(begin), rows, k, k}, *w, nullptr,
                         false);
      }
      ASSERT_EQ(Get(some), Get(all)) << "in parts of " << part;
    }
  }
}

TEST_P(BackendTest, NormsDivideByTheRootMeanSquareOrTheDeviation) {
  for (const int n : {1, 3, 16, 67}) {
    const std::vector<float> x = Random(static_cast<std::size_t>(3 * n), 2.0f);
    const std::vector<float> weight = Random(static_cast<std::size_t>(n));
    const std::vector<float> bias = Random(static_cast<std::size_t>(n));
    for (const NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
      const Tensor y = PutTensor(x, 3, n);
      backend_->Norm(y, y, Put(weight), Put(bias), 1e-5f, kind);
      const std::vector<float> out = Get(y);
      for (int r = 0; r < 3; ++r) {
        const float* row = &x[static_cast<std::size_t>(r * n)];
        double mean = 0;
        for (int i = 0; i < n; ++i) mean += row[i];
        mean = kind == NormKind::kLayer ? mean / n : 0;
        double square = 0;
        for (int i = 0; i < n; ++i) square += (row[i] - mean) * (row[i] - mean);
        for (int i = 0; i < n; ++i) {
          const auto at = static_cast<std::size_t>(i);
          const double expected =
              (row[i] - mean) / std::sqrt(square / n + 1e-5) * weight[at] + bias[at];
          ASSERT_NEAR(out[static_cast<std::size_t>(r * n + i)], expected, 1e-5 * 8);
        }
      }
    }
  }
}

TEST_P(BackendTest, ActivationsFollowTheirDefinitions) {
  std::vector<float> x;
  for (float v = -12; v <= 12; v += 0.37f) x.push_back(v);
  const int n = static_cast<int>(x.size()) / 2;
  x.resize(static_cast<std::size_t>(2 * n));
  const std::vector<std::pair<Nonlinearity, std::function<double(double)>>> cases = {
      {Nonlinearity::kSilu, [](double v) { return v / (1 + std::exp(-v)); }},
      {Nonlinearity::kGelu, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }},
      {Nonlinearity::kGeluTanh,
       [](double v) {
         return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
       }},
      {Nonlinearity::kTanh, [](double v) { return std::tanh(v); }},
      {Nonlinearity::kRelu, [](double v) { return std::max(v, 0.0); }}};
  for (const auto& [kind, function] : cases) {
    const Tensor y = PutTensor(x, 1, 2 * n);
    backend_->Activate(y, y, kind);
    const std::vector<float> plain = Get(y);
    const Tensor gated = PutTensor(std::vector<float>(static_cast<std::size_t>(n)), 1, n);
    backend_->Activate(gated, PutTensor(x, 1, 2 * n), kind);
    const std::vector<float> half = Get(gated);
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(plain[i], function(x[i]), 1e-6) << static_cast<int>(kind) << " of " << x[i];
    }
    for (std::size_t i = 0; i < half.size(); ++i) {
      ASSERT_NEAR(half[i], function(x[i]) * x[i + half.size()], 1.5e-5);
    }
  }
}

TEST_P(BackendTest, LinearActivateIsLinearThenActivate) {
  for (const Storage storage :
       {Storage::kF32, Storage::kBF16, Storage::kQ8, Storage::kQ5, Storage::kQ4}) {
    for (const auto& [t, m, k] : std::vector<std::array<int, 3>>{
             {1, 16, 32}, {2, 5, 70}, {9, 48, 1100}, {13, 20, 33}, {150, 64, 520}}) {
      for (const bool gated : {false, true}) {
        const int n = gated ? 2 * m : m;
        const Tensor x = PutTensor(Random(static_cast<std::size_t>(t * k)), t, k);
        const auto w = PutMatrix(Random(static_cast<std::size_t>(n * k)), 1, n, k, storage);
        const float* bias = gated ? Put(Random(static_cast<std::size_t>(n))) : nullptr;
        const auto zeros = [this, rows = t](int cols) {
          return PutTensor(std::vector<float>(static_cast<std::size_t>(rows * cols)), rows, cols);
        };
        const Tensor products = zeros(n);
        const Tensor expected = zeros(m);
        backend_->Linear(products, x, *w, bias, false);
        backend_->Activate(expected, products, Nonlinearity::kSilu);
        const Tensor y = zeros(m);
        // Without a gate the products may lie where y does.
        backend_->LinearActivate(y, gated ? zeros(n) : y, x, *w, bias, Nonlinearity::kSilu);
        ASSERT_EQ(Get(y), Get(expected))
            << static_cast<int>(storage) << " " << t << "x" << m << "x" << k << " " << gated;
      }
    }
  }
}

TEST_P(BackendTest, RopeTurnsPairsOfEachHeadAfterItsNorm) {
  const int t = 3;
  const int heads = 2;
  const int dim = 10;
  const int rotary = 6;
  const std::vector<float> x = Random(t * heads * dim);
  const std::vector<float> norm = Random(dim);
  std::vector<float> angles;
  for (int i = 0; i < t; ++i) {
    for (int j = 0; j < rotary / 2; ++j)
      angles.push_back(std::cos(0.3f * static_cast<float>(i + j)));
    for (int j = 0; j < rotary / 2; ++j)
      angles.push_back(std::sin(0.3f * static_cast<float>(i + j)));
  }
  for (const bool interleaved : {false, true}) {
    for (const bool normed : {false, true}) {
      const Tensor y = PutTensor(x, t, heads * dim);
      backend_->Rope(y, Put(angles),
                     {.heads = heads,
                      .head_dim = dim,
                      .rotary_begin = 4,
                      .rotary_dim = rotary,
                      .interleaved = interleaved,
                      .norm = normed ? Put(norm) : nullptr,
                      .norm_eps = 1e-6f});
      const std::vector<float> out = Get(y);
      for (int row = 0; row < t; ++row) {
        for (int h = 0; h < heads; ++h) {
          const auto at = static_cast<std::size_t>((row * heads + h) * dim);
          std::vector<double> expected(x.begin() + static_cast<long>(at),
                                       x.begin() + static_cast<long>(at) + dim);
          if (normed) {
            double square = 0;
            for (const double v : expected) square += v * v;
            for (std::size_t d = 0; d < dim; ++d) {
              expected[d] *= norm[d] / std::sqrt(square / dim + 1e-6);
            }
          }
          for (std::size_t j = 0; j < rotary / 2; ++j) {
            const std::size_t a = 4 + (interleaved ? 2 * j : j);
            const std::size_t b = interleaved ? a + 1 : a + rotary / 2;
            const double angle =
                static_cast<double>(0.3f * static_cast<float>(row + static_cast<int>(j)));
            const double first = expected[a];
            expected[a] = first * std::cos(angle) - expected[b] * std::sin(angle);
            expected[b] = expected[b] * std::cos(angle) + first * std::sin(angle);
          }
          for (std::size_t d = 0; d < dim; ++d) ASSERT_NEAR(out[at + d], expected[d], 1e-5);
        }
      }
    }
  }
}

// One query's attention over keys [first, end) in doubles.
std::vector<double> Attention(const float* q, const std::function<const float*(int)>& key,
                              const std::function<const float*(int)>& value, int first, int end,
                              int key_dim, int value_dim, double scale) {
  std::vector<double> weights;
  double max = -1e30;
  for (int i = first; i < end; ++i) {
    weights.push_back(Dot(q, key(i), key_dim) * scale);
    max = std::max(max, weights.back());
  }
  double total = 0;
  for (double& w : weights) total += w = std::exp(w - max);
  std::vector<double> out(static_cast<std::size_t>(value_dim));
  for (int i = first; i < end; ++i) {
    for (int d = 0; d < value_dim; ++d) {
      out[static_cast<std::size_t>(d)] +=
          weights[static_cast<std::size_t>(i - first)] / total * value(i)[d];
    }
  }
  return out;
}

struct PagedShape {
  int heads;
  int kv_heads;
  int key_dim;
  int value_dim;
  bool values_in_keys;
  int window;
};

TEST_P(BackendTest, PagedAttentionSeesThePastThroughScatteredBlocks) {
  for (const PagedShape& shape : std::vector<PagedShape>{{4, 2, 16, 16, false, 0},
                                                         {7, 1, 33, 48, false, 0},
                                                         {3, 3, 8, 16, false, 20},
                                                         {6, 2, 10, 10, false, 0},
                                                         {2, 1, 52, 40, true, 0},
                                                         {5, 1, 40, 32, true, 0},
                                                         {11, 1, 20, 16, true, 300}}) {
    const std::vector<int> lengths = {1, 600, 37, 70};
    const std::vector<int> chunks = {1, 21, 16, 3};  // queries of the last step
    constexpr int kMaxBlocks = 38;
    constexpr int kBlocks = 4 * kMaxBlocks;
    std::vector<std::int32_t> numbers(kBlocks);
    for (int i = 0; i < kBlocks; ++i) numbers[static_cast<std::size_t>(i)] = i;
    std::shuffle(numbers.begin(), numbers.end(), random_);
    const int kd = shape.kv_heads * shape.key_dim;
    const int vd = shape.kv_heads * shape.value_dim;
    KvCache cache = {.heads = shape.kv_heads,
                     .key_dim = shape.key_dim,
                     .value_dim = shape.value_dim,
                     .values_in_keys = shape.values_in_keys};
    // What was never appended is NaN: it must not leak.
    cache.keys = Put(std::vector<float>(static_cast<std::size_t>(kBlocks * kKvBlock * kd), NAN));
    cache.values = Put(std::vector<float>(static_cast<std::size_t>(kBlocks * kKvBlock * vd), NAN));
    std::vector<std::vector<float>> keys;
    std::vector<std::vector<float>> values;
    std::vector<std::int32_t> table(lengths.size() * kMaxBlocks);
    std::vector<std::int32_t> starts = {0};
    std::vector<float> queries;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      const int length = lengths[s];
      for (std::size_t b = 0; b < kMaxBlocks; ++b) {
        table[s * kMaxBlocks + b] = numbers[s * kMaxBlocks + b];
      }
      keys.push_back(Random(static_cast<std::size_t>(length * kd)));
      values.push_back(Random(static_cast<std::size_t>(length * vd)));
      std::vector<std::int32_t> slots;
      for (int i = 0; i < length; ++i) {
        slots.push_back(table[s * kMaxBlocks + static_cast<std::size_t>(i / kKvBlock)] * kKvBlock +
                        i % kKvBlock);
      }
      backend_->AppendKv(cache, PutTensor(keys[s], length, kd), PutTensor(values[s], length, vd),
                         Put(slots));
      starts.push_back(starts.back() + chunks[s]);
    }
    const int tokens = starts.back();
    const int qd = shape.heads * shape.key_dim;
    const int yd = shape.heads * shape.value_dim;
    queries = Random(static_cast<std::size_t>(tokens * qd));
    const Tensor y =
        PutTensor(std::vector<float>(static_cast<std::size_t>(tokens * yd)), tokens, yd);
    const std::vector<std::int32_t> context(lengths.begin(), lengths.end());
    backend_->AttendPaged(
        y, PutTensor(queries, tokens, qd), cache,
        {static_cast<int>(lengths.size()), Put(starts), Put(context), Put(table), kMaxBlocks},
        {.heads = shape.heads, .scale = 0.4f, .window = shape.window});
    const std::vector<float> out = Get(y);
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      for (int i = 0; i < chunks[s]; ++i) {
        const int end = lengths[s] - chunks[s] + i + 1;
        for (int h = 0; h < shape.heads; ++h) {
          const int kv = h / (shape.heads / shape.kv_heads);
          const auto key = [&](int at) {
            return &keys[s][static_cast<std::size_t>(at * kd + kv * shape.key_dim)];
          };
          const auto value = [&](int at) {
            return shape.values_in_keys
                       ? key(at)
                       : &values[s][static_cast<std::size_t>(at * vd + kv * shape.value_dim)];
          };
          const int token = starts[s] + i;
          const std::vector<double> expected =
              Attention(&queries[static_cast<std::size_t>(token * qd + h * shape.key_dim)], key,
                        value, shape.window > 0 ? std::max(0, end - shape.window) : 0, end,
                        shape.key_dim, shape.value_dim, 0.4f);
          for (int d = 0; d < shape.value_dim; ++d) {
            ASSERT_NEAR(out[static_cast<std::size_t>(token * yd + h * shape.value_dim + d)],
                        expected[static_cast<std::size_t>(d)], 2e-5)
                << "sequence " << s << " query " << i << " head " << h;
          }
        }
      }
    }
  }
}

TEST_P(BackendTest, AQuerysAttentionDoesNotDependOnTheQueriesBesideIt) {
  const int heads = 3;
  const int dim = 16;
  const int length = 700;
  constexpr int kBlocks = 44;
  const std::vector<float> data = Random(static_cast<std::size_t>(length * dim));
  KvCache cache = {.heads = 1, .key_dim = dim, .value_dim = dim};
  cache.keys = Put(std::vector<float>(static_cast<std::size_t>(kBlocks * kKvBlock * dim)));
  cache.values = Put(std::vector<float>(static_cast<std::size_t>(kBlocks * kKvBlock * dim)));
  std::vector<std::int32_t> slots(length);
  for (int i = 0; i < length; ++i) slots[static_cast<std::size_t>(i)] = i;
  std::vector<std::int32_t> table(kBlocks);
  for (int i = 0; i < kBlocks; ++i) table[static_cast<std::size_t>(i)] = i;
  const Tensor kv = PutTensor(data, length, dim);
  backend_->AppendKv(cache, kv, kv, Put(slots));
  const std::int32_t* blocks = Put(table);
  // More than a large device's blocks of threads at once, and few of them.
  const std::vector<float> queries = Random(static_cast<std::size_t>(length * heads * dim));
  const Tensor q = PutTensor(queries, length, heads * dim);
  const auto attend = [&](int first, int count) {
    const Tensor y = PutTensor(std::vector<float>(static_cast<std::size_t>(count * heads * dim)),
                               count, heads * dim);
    backend_->AttendPaged(y, {q.Row(first), count, q.cols, q.stride}, cache,
                          {.sequences = 1,
                           .query_start = Put(std::vector<std::int32_t>{0, count}),
                           .context = Put(std::vector<std::int32_t>{first + count}),
                           .blocks = blocks,
                           .max_blocks = kBlocks},
                          {.heads = heads, .scale = 0.3f});
    return Get(y);
  };
  const std::vector<float> all = attend(0, length);
  for (const auto& [first, count] : std::vector<std::pair<int, int>>{{0, 1}, {690, 10}, {699, 1}}) {
    const auto begin = all.begin() + first * heads * dim;
    EXPECT_EQ(attend(first, count), std::vector<float>(begin, begin + count * heads * dim));
  }
}

TEST_P(BackendTest, FullAttentionSeesItsSequenceWithinTheWindow) {
  const int heads = 3;
  for (const int dim : {16, 20}) {
    for (const int window : {0, 9}) {
      const std::vector<std::int32_t> starts = {0, 1, 60, 165};
      const int t = starts.back();
      const int cols = heads * dim;
      const auto count = static_cast<std::size_t>(t * cols);
      const std::vector<float> q = Random(count);
      const std::vector<float> k = Random(count);
      const std::vector<float> v = Random(count);
      const Tensor y = PutTensor(std::vector<float>(count), t, cols);
      backend_->AttendFull(y, PutTensor(q, t, cols), PutTensor(k, t, cols), PutTensor(v, t, cols),
                           Put(starts), 3, {.heads = heads, .scale = 0.3f, .window = window});
      const std::vector<float> out = Get(y);
      for (int s = 0; s < 3; ++s) {
        const int begin = starts[static_cast<std::size_t>(s)];
        const int length = starts[static_cast<std::size_t>(s) + 1] - begin;
        for (int i = 0; i < length; ++i) {
          for (int h = 0; h < heads; ++h) {
            const auto at = [&](int token) {
              return static_cast<std::size_t>((begin + token) * cols + h * dim);
            };
            const std::vector<double> expected = Attention(
                &q[at(i)], [&](int j) { return &k[at(j)]; }, [&](int j) { return &v[at(j)]; },
                window > 0 ? std::max(0, i - window + 1) : 0,
                window > 0 ? std::min(length, i + window) : length, dim, dim, 0.3f);
            for (int d = 0; d < dim; ++d) {
              ASSERT_NEAR(out[at(i) + static_cast<std::size_t>(d)],
                          expected[static_cast<std::size_t>(d)], 2e-5);
            }
          }
        }
      }
    }
  }
}

TEST_P(BackendTest, HeadLinearGivesEachHeadItsOwnMatrix) {
  const int t = 5;
  const int heads = 3;
  const int n = 18;
  const int k = 21;
  const int y_step = 20;
  for (const int x_step : {0, k, k + 4}) {
    const int x_cols = 3 * (k + 4);
    const std::vector<float> x = Random(static_cast<std::size_t>(t * x_cols));
    const std::vector<float> weights = Random(heads * n * k);
    const auto w = PutMatrix(weights, heads, n, k, Storage::kF32);
    const Tensor y = PutTensor(std::vector<float>(t * heads * y_step, 7.0f), t, heads * y_step);
    backend_->HeadLinear(y, y_step, PutTensor(x, t, x_cols), x_step, *w);
    const std::vector<float> out = Get(y);
    for (int r = 0; r < t; ++r) {
      for (int h = 0; h < heads; ++h) {
        for (int j = 0; j < n; ++j) {
          ASSERT_NEAR(out[static_cast<std::size_t>((r * heads + h) * y_step + j)],
                      Dot(&x[static_cast<std::size_t>(r * x_cols + h * x_step)],
                          &weights[static_cast<std::size_t>((h * n + j) * k)], k),
                      3e-5);
        }
        EXPECT_EQ(out[static_cast<std::size_t>((r * heads + h) * y_step + n)], 7.0f);
      }
    }
  }
}

TEST_P(BackendTest, ExpertsMultiplyTheTokensRoutedToThem) {
  const int t = 9;
  const int slots = 2;
  const int n = 19;
  const int k = 24;
  const std::vector<float> weights = Random(4 * n * k);
  const auto w = PutMatrix(weights, 4, n, k, Storage::kF32);
  const std::vector<std::int32_t> ids = {0, 3, 3, 1, 0, 1, 1, 0, 3, 0, 1, 3, 0, 1, 3, 1, 0, 3};
  for (const bool per_slot : {false, true}) {
    const int rows = per_slot ? t * slots : t;
    const std::vector<float> x = Random(static_cast<std::size_t>(rows * k));
    const Tensor y = PutTensor(std::vector<float>(t * slots * n), t * slots, n);
    backend_->ExpertLinear(y, PutTensor(x, rows, k), *w, Put(ids), slots);
    const std::vector<float> out = Get(y);
    for (int i = 0; i < t * slots; ++i) {
      const int row = per_slot ? i : i / slots;
      for (int j = 0; j < n; ++j) {
        ASSERT_NEAR(
            out[static_cast<std::size_t>(i * n + j)],
            Dot(&x[static_cast<std::size_t>(row * k)],
                &weights[static_cast<std::size_t>((ids[static_cast<std::size_t>(i)] * n + j) * k)],
                k),
            3e-5);
      }
    }
    const std::vector<float> mix = Random(t * slots);
    const std::vector<float> before = Random(t * n);
    const Tensor sum = PutTensor(before, t, n);
    backend_->Combine(sum, y, PutTensor(mix, t, slots));
    const std::vector<float> combined = Get(sum);
    for (int r = 0; r < t; ++r) {
      for (int j = 0; j < n; ++j) {
        const auto at = static_cast<std::size_t>(r * n + j);
        const auto first = static_cast<std::size_t>(r * slots);
        ASSERT_NEAR(combined[at],
                    before[at] + mix[first] * out[first * n + static_cast<std::size_t>(j)] +
                        mix[first + 1] * out[(first + 1) * n + static_cast<std::size_t>(j)],
                    1e-5);
      }
    }
  }
}

TEST_P(BackendTest, ExpertsOfEveryStorageMultiplyManyTokens) {
  const int t = 40;
  const int slots = 3;
  const int experts = 5;
  const int n = 18;
  const int k = 70;
  const std::vector<float> x = Random(t * k);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < t * slots; ++i) ids.push_back(i * i % 7 % experts);  // never expert 3
  for (const Storage storage :
       {Storage::kF16, Storage::kBF16, Storage::kQ8, Storage::kQ5, Storage::kQ4}) {
    const std::vector<float> weights = Random(static_cast<std::size_t>(experts * n * k));
    const auto w = PutMatrix(weights, experts, n, k, storage);
    const Tensor y = PutTensor(std::vector<float>(t * slots * n), t * slots, n);
    backend_->ExpertLinear(y, PutTensor(x, t, k), *w, Put(ids), slots);
    const std::vector<float> out = Get(y);
    // The same expert's rows alone, as a matrix of its own.
    for (const int e : {0, 1, 2, 4}) {
      const std::vector<float> one(weights.begin() + e * n * k, weights.begin() + (e + 1) * n * k);
      const auto matrix = PutMatrix(one, 1, n, k, storage);
      const Tensor alone = PutTensor(std::vector<float>(t * n), t, n);
      backend_->Linear(alone, PutTensor(x, t, k), *matrix, nullptr, false);
      const std::vector<float> expected = Get(alone);
      for (int i = 0; i < t * slots; ++i) {
        if (ids[static_cast<std::size_t>(i)] != e) continue;
        for (int j = 0; j < n; ++j) {
          ASSERT_NEAR(out[static_cast<std::size_t>(i * n + j)],
                      expected[static_cast<std::size_t>(i / slots * n + j)], 1e-4)
              << static_cast<int>(storage);
        }
      }
    }
  }
}

TEST_P(BackendTest, RoutingKeepsToTheBestGroupsOfManyExperts) {
  const int t = 7;
  const int experts = 42;
  const int groups = 6;
  const int slots = 5;
  const std::vector<float> logits = Random(t * experts);
  const std::vector<float> bias = Random(experts, 0.1f);
  const Tensor weights = PutTensor(std::vector<float>(t * slots), t, slots);
  std::int32_t* ids = Put(std::vector<std::int32_t>(t * slots, -1));
  backend_->Route(weights, ids, PutTensor(logits, t, experts),
                  {.sigmoid = true,
                   .bias = Put(bias),
                   .groups = groups,
                   .top_groups = 3,
                   .group_by_top2 = true});
  std::vector<std::int32_t> chosen(t * slots);
  backend_->Read(chosen.data(), ids, chosen.size() * sizeof(chosen[0]));
  const std::vector<float> out = Get(weights);
  for (int r = 0; r < t; ++r) {
    std::vector<std::pair<double, int>> choice;  // score with bias, expert
    for (int e = 0; e < experts; ++e) {
      const double score =
          1 / (1 + std::exp(-double{logits[static_cast<std::size_t>(r * experts + e)]}));
      choice.push_back({score + bias[static_cast<std::size_t>(e)], e});
    }
    std::vector<std::pair<double, int>> best_groups;
    for (int g = 0; g < groups; ++g) {
      std::vector<std::pair<double, int>> group(choice.begin() + g * 7, choice.begin() + g * 7 + 7);
      std::sort(group.rbegin(), group.rend());
      best_groups.push_back({group[0].first + group[1].first, g});
    }
    std::sort(best_groups.rbegin(), best_groups.rend());
    std::erase_if(choice, [&](const auto& c) {
      return std::none_of(best_groups.begin(), best_groups.begin() + 3,
                          [&](const auto& g) { return g.second == c.second / 7; });
    });
    std::sort(choice.rbegin(), choice.rend());
    for (int s = 0; s < slots; ++s) {
      const auto& [score, expert] = choice[static_cast<std::size_t>(s)];
      EXPECT_EQ(chosen[static_cast<std::size_t>(r * slots + s)], expert);
      EXPECT_NEAR(out[static_cast<std::size_t>(r * slots + s)],
                  score - bias[static_cast<std::size_t>(expert)], 1e-6);
    }
  }
}

TEST_P(BackendTest, RoutingOfNumbersThatAreNoneStaysAmongTheExperts) {
  const Tensor weights = PutTensor({0, 0}, 1, 2);
  std::int32_t* ids = Put(std::vector<std::int32_t>{-1, -1});
  backend_->Route(weights, ids, PutTensor({NAN, NAN, NAN, NAN}, 1, 4), {.groups = 2});
  std::vector<std::int32_t> chosen(2);
  backend_->Read(chosen.data(), ids, sizeof(std::int32_t) * 2);
  EXPECT_THAT(chosen, testing::Each(testing::AllOf(testing::Ge(0), testing::Lt(4))));
}

TEST_P(BackendTest, LargeCopiesArriveWhole) {
  std::vector<float> values(3 << 20);  // more than a staging memory
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 9973);
  const float* data = Put(values);
  std::vector<float> back(values.size());
  backend_->Read(back.data(), data, back.size() * sizeof(float));
  EXPECT_TRUE(back == values);
}

TEST_P(BackendTest, RoutingTakesTheBestExpertsBySoftmax) {
  const Tensor logits = PutTensor({0.1f, 2.0f, -1.0f, 1.0f}, 1, 4);
  const Tensor weights = PutTensor({0, 0}, 1, 2);
  std::int32_t* ids = Put(std::vector<std::int32_t>{-1, -1});
  backend_->Route(weights, ids, logits, {.normalize = true});
  std::vector<std::int32_t> chosen(2);
  backend_->Read(chosen.data(), ids, sizeof(std::int32_t) * 2);
  EXPECT_THAT(chosen, testing::ElementsAre(1, 3));
  const float ratio = std::exp(1.0f);
  EXPECT_THAT(Get(weights), testing::ElementsAre(testing::FloatNear(ratio / (1 + ratio), 1e-6f),
                                                 testing::FloatNear(1 / (1 + ratio), 1e-6f)));
}

TEST_P(BackendTest, RoutingBySigmoidChoosesInTheBestGroupsWithTheBiasButWeighsWithout) {
  // Groups {0, 1}, {2, 3}, {4, 5}; by the sum of two with bias: 1.5, 1.0 + 0.9, 1.4.
  const std::vector<float> scores = {0.75f, 0.75f, 0.5f, 0.4f, 0.9f, 0.5f};
  std::vector<float> logits;
  for (const float s : scores) logits.push_back(std::log(s / (1 - s)));
  const std::vector<float> bias = {0, 0, 0.5f, 0.5f, 0, 0};
  const Tensor weights = PutTensor({0, 0}, 1, 2);
  std::int32_t* ids = Put(std::vector<std::int32_t>{-1, -1});
  backend_->Route(weights, ids, PutTensor(logits, 1, 6),
                  {.sigmoid = true,
                   .bias = Put(bias),
                   .groups = 3,
                   .top_groups = 1,
                   .group_by_top2 = true,
                   .normalize = true,
                   .scale = 2.5f});
  std::vector<std::int32_t> chosen(2);
  backend_->Read(chosen.data(), ids, sizeof(std::int32_t) * 2);
  EXPECT_THAT(chosen, testing::ElementsAre(2, 3));
  EXPECT_THAT(Get(weights), testing::ElementsAre(testing::FloatNear(2.5f * 0.5f / 0.9f, 1e-5f),
                                                 testing::FloatNear(2.5f * 0.4f / 0.9f, 1e-5f)));
  // By the best expert alone, without bias, group {4, 5} wins.
  backend_->Route(weights, ids, PutTensor(logits, 1, 6), {.sigmoid = true, .groups = 3});
  backend_->Read(chosen.data(), ids, sizeof(std::int32_t) * 2);
  EXPECT_THAT(chosen, testing::ElementsAre(4, 5));
}

TEST_P(BackendTest, PoolingTakesTheFirstRowOrTheMean) {
  const Tensor x = PutTensor({1, 2, 3, 4, 5, 9, 7, 8}, 4, 2);
  const std::int32_t* starts = Put(std::vector<std::int32_t>{0, 1, 4});
  const Tensor y = PutTensor({0, 0, 0, 0}, 2, 2);
  backend_->Pool(y, x, starts, Pooling::kFirst);
  EXPECT_THAT(Get(y), testing::ElementsAre(1, 2, 3, 4));
  backend_->Pool(y, x, starts, Pooling::kMean);
  EXPECT_THAT(Get(y), testing::ElementsAre(1, 2, 5, 7));
  backend_->GatherRows(y, x, Put(std::vector<std::int32_t>{3, 0}));
  EXPECT_THAT(Get(y), testing::ElementsAre(7, 8, 1, 2));
}

TEST_P(BackendTest, MatricesWhosePartsDoNotFitAreRefused) {
  const std::vector<float> weights(12);
  const auto bytes = std::as_bytes(std::span(weights));
  const std::vector<MatrixParts> widths = {
      {{DType::kF32, {2, 3}, bytes.first(24)}, {DType::kF32, {3, 2}, bytes.first(24)}}};
  EXPECT_EQ(backend_->MakeMatrix(widths, Storage::kF32).status().code(),
            absl::StatusCode::kInvalidArgument);
  const std::vector<MatrixParts> heights = {{{DType::kF32, {2, 3}, bytes.first(24)}},
                                            {{DType::kF32, {3, 3}, bytes.first(36)}}};
  EXPECT_FALSE(backend_->MakeMatrix(heights, Storage::kF32).ok());
  const std::vector<MatrixParts> cut = {{{DType::kF32, {2, 3}, bytes.first(20)}}};
  EXPECT_FALSE(backend_->MakeMatrix(cut, Storage::kF32).ok());
  EXPECT_FALSE(backend_->MakeMatrix({}, Storage::kF32).ok());
}

std::vector<Maker> Makers() {
  std::vector<Maker> makers = {{"CpuOneThread", [] { return MakeCpuBackend({.threads = 1}); }},
                               {"CpuTwoThreads", [] { return MakeCpuBackend({.threads = 2}); }},
                               {"EmulatedCuda", [] { return MakeEmulatedCudaBackend({}); }, true}};
  // Where it is built it is listed, and skipped without a GPU.
  if (!absl::IsUnimplemented(MakeCudaBackend({}).status())) {
    makers.push_back({"Cuda", [] { return MakeCudaBackend({}); }});
  }
  return makers;
}

INSTANTIATE_TEST_SUITE_P(All, BackendTest, testing::ValuesIn(Makers()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace citeseek::inference
