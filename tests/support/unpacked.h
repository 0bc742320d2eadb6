// Unpack: the contents of an .xz file, through the xz program; throws if that fails.
#pragma once

#include <filesystem>
#include <string>

namespace citeseek {

std::string Unpack(const std::filesystem::path& path);

}  // namespace citeseek
