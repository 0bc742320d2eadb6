// VectorScan: the inner loop of vector search, for the widest unit of the processor.
#pragma once

#include <cstdint>

namespace citeseek::indexer {

// sums [rows] = codes [rows, dimension] . query [dimension], the codes taken as code - 127. Highway
// picks the instruction set at run time. |query[i]| <= 4095 and dimension <= 8192 keep the sums in
// range. Thread-safe.
void ScanCodes(const std::uint8_t* codes, const std::int16_t* query, int dimension, int rows,
               std::int32_t* sums);

}  // namespace citeseek::indexer
