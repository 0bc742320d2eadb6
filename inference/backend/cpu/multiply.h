// Multiplier: y += x . w^T for lists of rows, on all threads: the one way in which weights are
// read.
//
// Single-threaded from outside; its scratch memory grows to the largest product and stays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "inference/backend/backend.h"
#include "inference/backend/cpu/cpu_matrix.h"
#include "inference/backend/cpu/kernels.h"
#include "inference/backend/cpu/thread_pool.h"

namespace citeseek::inference {

class Multiplier {
 public:
  explicit Multiplier(ThreadPool& pool);

  // What is multiplied next: rows of x that products name by number, then rows of y. Products of
  // one matrix of w must be added one after another.
  void Begin(const CpuMatrix& w);
  int AddInput(const float* x);  // k numbers; returns its number
  void AddProduct(int matrix, int input, float* y);

  // Each y [n] = its input . w[matrix]^T + bias (null: 0); accumulate: added to y. 64 bytes behind
  // the end of bias are readable.
  void Run(const float* bias, bool accumulate);

  // Each y = f(its input . w[matrix]^T + bias); if gated, the products are the halves of 2n and
  // y [n] = f(first) * second. The products go no further than the cache. n is a multiple of 16.
  void RunActivated(const float* bias, Nonlinearity nonlinearity, bool gated);

 private:
  struct Segment {  // products [begin, end) with one matrix
    int matrix = 0;
    int begin = 0;
    int end = 0;
  };
  struct Scratch {  // of one thread
    std::vector<const float*> x;
    std::vector<const InputBlock*> quant_x;
    std::vector<float*> y;
    std::vector<float> edge;   // [rows, kPanel] for a last panel that is not full
    std::vector<float> inner;  // [rows, columns] before an activation
  };
  // Some panels of some products with one matrix.
  struct Part {
    int matrix = 0;
    int begin = 0;  // of products
    int end = 0;
    int panel = 0;
    int panels = 0;
  };

  void Quantize();
  // Calls body(part, scratch) for parts that together are all products with the first `panels`
  // panels; a body goes through `together` times as many.
  void ForParts(int panels, int together, absl::FunctionRef<void(const Part&, Scratch&)> body);
  void Inputs(const Part& part, Scratch& scratch) const;
  std::size_t Blocks() const;  // of a quantised input
  std::size_t InputOf(const Part& part, std::size_t row) const;
  void Write(const Part& part, ProductStart start, Scratch& scratch);
  void Panels(const Part& part, ProductStart start, Scratch& scratch);

  ThreadPool& pool_;
  const CpuMatrix* w_ = nullptr;
  std::vector<const float*> inputs_;
  std::vector<int> product_input_;
  std::vector<float*> product_y_;
  std::vector<Segment> segments_;
  std::vector<InputBlock> quantized_;  // [inputs, blocks]
  std::vector<Scratch> scratch_;
};

}  // namespace citeseek::inference
