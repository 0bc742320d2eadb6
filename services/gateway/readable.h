// Readable: turns a stretch of Markdown or table text into a plain sentence.
//
// For showing only; citations quote the exact bytes. Free functions, thread-safe, linear time.
#pragma once

#include <string>
#include <string_view>

#include "indexer/document.h"

namespace citeseek::gateway {

enum class LineKind { kProse, kHeading, kTableRow, kTableRule };

// Rows are "| a | b |", or "a | b" as HTML tables are written in stored texts.
LineKind KindOf(std::string_view sentence);

// The row that names the columns of the table that the row at `row` belongs to (it may be that row
// itself), or an empty range. Without a rule below it, it is a first row without a figure.
indexer::ByteRange TableHeader(std::string_view passage, indexer::ByteRange row);

// The row's first cell, without marks.
std::string FirstCell(std::string_view row);

// passage[sentence] on one line: list, heading and emphasis marks off, links as their text,
// footnote numbers ("[3]") out, a table row as "Column: cell; ...".
std::string MakeReadable(std::string_view passage, indexer::ByteRange sentence);

}  // namespace citeseek::gateway
