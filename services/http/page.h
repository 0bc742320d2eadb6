// Page: the search page, services/web/dist/ compiled into the binary, as routes.
//
// The page gets no rights but to load its own files and to call this server. Thread-safe.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "services/http/message.h"

namespace citeseek::http {

struct PageFile {
  std::string_view name;
  std::string_view bytes;
};

// In the order of their names. Lives as long as the process.
std::span<const PageFile> PageFiles();

// "/" and the files that it loads. An unchanged file is told by its ETag with a 304.
std::vector<Route> PageRoutes();

}  // namespace citeseek::http
