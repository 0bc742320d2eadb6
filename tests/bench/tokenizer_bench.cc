// tokenizer_bench TOKENIZER_JSON [TEXT...]: how fast one thread tokenises files, or hostile words.
// Times are the thread's own, not the clock's: other work on the machine does not count.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "inference/model/tokenizer.h"

namespace {

using citeseek::inference::Tokenizer;

std::string ReadWhole(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

double Seconds(std::clock_t since) {
  return static_cast<double>(std::clock() - since) / CLOCKS_PER_SEC;
}

void Measure(const Tokenizer& tokenizer, const std::string& name, const std::string& text) {
  const auto start = std::clock();
  const auto ids = tokenizer.Encode(text);
  const double encode = Seconds(start);
  const auto middle = std::clock();
  const bool same = tokenizer.Decode(ids, false) == text;
  const double decode = Seconds(middle);
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  std::printf("%-28s %8.2f MB %9zu tokens  encode %7.1f MB/s  decode %7.1f MB/s  %s\n",
              name.c_str(), megabytes, ids.size(), megabytes / encode, megabytes / decode,
              same ? "round trip" : "changed by normalisation");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: tokenizer_bench TOKENIZER_JSON [TEXT...]\n");
    return 2;
  }
  const std::string json = ReadWhole(argv[1]);
  const auto start = std::clock();
  const auto tokenizer = Tokenizer::Parse(json, "", argv[1]);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  std::printf("loaded %d tokens in %.2f s\n", (*tokenizer)->VocabularySize(), Seconds(start));
  for (int i = 2; i < argc; ++i) Measure(**tokenizer, argv[i], ReadWhole(argv[i]));
  if (argc > 2) return 0;
  for (const std::size_t megabytes : {1, 2, 4, 10}) {
    const std::size_t size = megabytes * 1'000'000;
    std::string mixed(size, ' ');
    std::uint32_t random = 1;
    for (char& c : mixed) {
      random = random * 1664525 + 1013904223;
      c = static_cast<char>('a' + random / 65536 % 26);
    }
    Measure(**tokenizer, "one word, one letter", std::string(size, 'a'));
    Measure(**tokenizer, "one word, random letters", mixed);
    Measure(**tokenizer, "blanks", std::string(size, ' '));
  }
  return 0;
}
