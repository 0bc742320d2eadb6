// The AVX-512 products, compiled with emulated intrinsics under other names: see CMakeLists.txt.
#include "inference/backend/cpu/quant_avx512.cc"
