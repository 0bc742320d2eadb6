// Ceilings: what this machine can do at best right now, measured in the run that is compared to it.
#pragma once

namespace citeseek::bench {

struct Ceilings {
  double read_gb_per_s = 0;    // plain streaming reads of memory, all threads
  double f32_gflop_per_s = 0;  // fused multiply-adds in registers, 2 operations each
  double int8_gop_per_s = 0;   // byte dot products in registers, 2 operations a product
};
Ceilings MeasureCeilings(int threads);

}  // namespace citeseek::bench
