// QuantKernels: products with int8 and 4-bit weights, one file an instruction set, compiled with
// that set's flags because Highway 1.0.3 has no byte dot product. quant_kernels.cc chooses.
//
// Include nothing here or there that has inline functions: they would be compiled for the wrong
// processor and might be the copy that the linker keeps.
#pragma once

#include "inference/backend/cpu/quant_layout.h"

namespace citeseek::inference {

void ProductQ8Portable(const QuantProduct& product);
void ProductQ4Portable(const QuantProduct& product);

// Need AVX2, FMA and F16C. The byte product saturates at 16 bits, and the way around that would
// cost a third of the speed: the int8 product takes inputs of 7 bits.
inline constexpr QuantInputs kQ8Avx2Inputs = {.levels = 64};
void ProductQ8Avx2(const QuantProduct& product);
void ProductQ4Avx2(const QuantProduct& product);

// Need AVX-512 F, BW, VL and VNNI, inputs with scales that are powers of two and no weight scale 0.
inline constexpr QuantInputs kAvx512Inputs = {.power_of_two = true};
void ProductQ8Avx512(const QuantProduct& product);
void ProductQ4Avx512(const QuantProduct& product);

}  // namespace citeseek::inference
