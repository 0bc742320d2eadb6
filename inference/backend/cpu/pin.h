// Pin: keeps the operations of an inner loop in the order in which they are written, with each sum
// in one register. Left alone, GCC 12 moves all products before all sums and spills the sums.
#pragma once

namespace citeseek::inference {

template <typename Vector>
inline __attribute__((always_inline)) void Pin(Vector& vector) {
  asm volatile("" : "+v"(vector));
}

}  // namespace citeseek::inference
