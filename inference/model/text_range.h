// TextRange: bytes [begin, end) of a text.
#pragma once

#include <cstddef>

namespace citeseek::inference {

struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

}  // namespace citeseek::inference
