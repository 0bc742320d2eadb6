# Writes OUTPUT, a C++ file that holds the bytes of all FILES in DIRECTORY: FUNCTION in NAMESPACE,
# declared in HEADER, which returns a span of TYPE, each a name and bytes.
# usage: cmake -D OUTPUT=... -D DIRECTORY=... -D FILES="a.md;b.txt" -D HEADER=... -D NAMESPACE=...
#        -D TYPE=... -D FUNCTION=... -P embed.cmake
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${FILES})
  file(READ "${DIRECTORY}/${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  # String literals of one line each: compilers limit the length of a line, not of their sum.
  string(REGEX REPLACE "(................................................................)"
         "\\1\"\n\"" bytes "${bytes}")
  string(APPEND arrays "constexpr std::string_view kFile${number}(\"${bytes}\", ")
  file(SIZE "${DIRECTORY}/${file}" size)
  string(APPEND arrays "${size});\n")
  string(APPEND entries "    {\"${file}\", kFile${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by services/embed.cmake.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {
${arrays}
constexpr ${TYPE} kFiles[] = {
${entries}};
}  // namespace

std::span<const ${TYPE}> ${FUNCTION}() { return kFiles; }

}  // namespace ${NAMESPACE}
")
