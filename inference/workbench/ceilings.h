// Ceilings: what this machine can do at best right now, measured in the run that is compared to it.
//
// A shared machine's speed changes from second to second: measure before and after the work and
// compare with the mean of both.
#pragma once

#include <memory>

namespace citeseek::inference {

struct Ceilings {
  double read_gb_per_s = 0;    // plain streaming reads of memory, all threads
  double f32_gflop_per_s = 0;  // fused multiply-adds in registers, 2 operations each
  double int8_gop_per_s = 0;   // byte dot products in registers, 2 operations a product
  double bf16_gop_per_s = 0;   // bf16 dot products in registers; 0: the processor has none
};

// Holds the memory that is read. About 0.2 s a measurement, the mean over that time.
class CeilingMeter {
 public:
  explicit CeilingMeter(int threads);
  ~CeilingMeter();
  double ReadGbPerS();
  double F32GflopPerS();
  double Int8GopPerS();
  double Bf16GopPerS();
  Ceilings All();

 private:
  struct Memory;
  int threads_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace citeseek::inference
