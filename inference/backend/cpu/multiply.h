// Multiplier: y += x . w^T for lists of rows, on all threads: the one way in which weights are
// read.
//
// Single-threaded from outside; its scratch memory grows to the largest product and stays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

 private:
  struct Segment {  // products [begin, end) with one matrix
    int matrix = 0;
    int begin = 0;
    int end = 0;
  };
  struct Scratch {  // of one thread
    std::vector<const float*> x;
    std::vector<QuantRow> quant_x;
    std::vector<float*> y;
    std::vector<float> edge;  // [rows, kPanel] for a last panel that is not full
  };

  void Quantize();
  void Chunk(const Segment& segment, int first_panel, int panels, ProductStart start,
             Scratch& scratch);
  void Panels(const Segment& segment, int first_panel, int panels, ProductStart start,
              Scratch& scratch);

  ThreadPool& pool_;
  const CpuMatrix* w_ = nullptr;
  std::vector<const float*> inputs_;
  std::vector<int> product_input_;
  std::vector<float*> product_y_;
  std::vector<Segment> segments_;
  std::vector<QuantRow> quantized_;  // [inputs]
  std::vector<std::int8_t> values_;
  std::vector<float> scales_;
  std::vector<float> sums_;
  std::vector<std::int32_t> offsets_;
  std::vector<Scratch> scratch_;
};

}  // namespace citeseek::inference
