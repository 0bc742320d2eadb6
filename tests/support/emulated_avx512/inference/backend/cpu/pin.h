// Pin, of vectors that are no registers: there is nothing to keep.
#pragma once

namespace citeseek::inference {

template <typename Vector>
void Pin(Vector&) {}

}  // namespace citeseek::inference
