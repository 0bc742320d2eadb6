// verify_pairs: verdicts on sentences that people wrote about sources of their own making.
//
//   verify_pairs [--failures tune|held|all] [--least TRUE CAUGHT] FILE...
//
// FILE is one of tests/data/verdicts_*.txt, which say how they are read. Each claim is checked
// against its source among seven others of the file. A false claim is caught unless it is called
// supported. Sources are halved by a hash of their title: rules were made on `tune`; `held` was
// looked at only as shares. --failures prints the wrong verdicts of that half; --least fails if,
// in any file as a whole, fewer in a hundred of the true ones are supported, or of the false ones
// caught.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "indexer/analyzer.h"
#include "services/gateway/verify.h"

namespace citeseek {
namespace {

struct Claim {
  bool holds = false;
  std::string kind, text;
};

struct Source {
  std::string title, text;
  std::vector<Claim> claims;
};

struct Tally {
  int pairs = 0, right = 0, partly = 0;
  void Add(const Tally& other) {
    pairs += other.pairs;
    right += other.right;
    partly += other.partly;
  }
};

std::vector<Source> Read(const char* path) {
  std::vector<Source> sources;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("= ")) {
      sources.push_back({.title = line.substr(2)});
    } else if (const std::size_t colon = line.find(": ");
               (line[0] == '+' || line[0] == '-') && colon != std::string::npos) {
      const std::string kind = line.substr(1, colon - 1);
      sources.at(sources.size() - 1)
          .claims.push_back({line[0] == '+', kind, line.substr(colon + 2)});
    } else {
      sources.at(sources.size() - 1).text = line;
    }
  }
  if (sources.size() < 8) {
    std::fprintf(stderr, "verify_pairs: %zu sources in %s are fewer than 8\n", sources.size(),
                 path);
    std::exit(2);
  }
  return sources;
}

bool IsHeld(const std::string& title) {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : title) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return (hash >> 7 & 1) == 0;
}

double Percent(const Tally& tally) { return 100.0 * tally.right / std::max(1, tally.pairs); }

// True if the file as a whole reaches `least`: of the true ones, of the false ones.
bool Measure(const char* path, const std::string& failures, const std::array<double, 2>& least) {
  const auto analyzer = indexer::MakeAnalyzer();
  const std::vector<Source> sources = Read(path);
  std::map<std::pair<bool, std::string>, std::array<Tally, 2>> tallies;  // tune, held
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const bool held = IsHeld(sources[i].title);
    std::vector<retrieval::Hit> hits;
    for (std::size_t k = 0; k < 8; ++k) {
      const Source& source = sources[(i + k) % sources.size()];
      hits.push_back({.title = source.title, .text = source.text});
    }
    const gateway::Evidence evidence(hits, *analyzer);
    gateway::Verifier verifier(&evidence, analyzer.get());
    for (const Claim& claim : sources[i].claims) {
      const gateway::Support support = verifier.Check(claim.text, 0);
      const bool supported = support.verdict == gateway::Verdict::kSupported;
      Tally& tally = tallies[{claim.holds, claim.kind}][held ? 1 : 0];
      ++tally.pairs;
      tally.right += supported == claim.holds ? 1 : 0;
      tally.partly += support.verdict == gateway::Verdict::kPartly ? 1 : 0;
      if (supported == claim.holds || (failures != "all" && failures != (held ? "held" : "tune"))) {
        continue;
      }
      const std::string quote =
          sources[i].text.substr(support.range.start, support.range.end - support.range.start);
      std::printf("%c%s: %s\n    source: %s\n    score %.2f, fault \"%s\"\n",
                  claim.holds ? '+' : '-', claim.kind.c_str(), claim.text.c_str(), quote.c_str(),
                  support.score, support.fault.c_str());
    }
  }
  std::printf("%s\n", path);
  std::array<std::array<Tally, 2>, 2> all;  // true, false; tune, held
  for (const auto& [key, halves] : tallies) {
    const auto& [holds, kind] = key;
    std::printf("  %c%-14s", holds ? '+' : '-', kind.c_str());
    for (std::size_t half = 0; half < 2; ++half) {
      const Tally& tally = halves[half];
      std::printf("  %s %3d of %3d", half == 0 ? "tune" : "held", tally.right, tally.pairs);
      all[holds ? 0 : 1][half].Add(tally);
    }
    std::printf("\n");
  }
  bool reached = true;
  for (std::size_t side = 0; side < 2; ++side) {
    Tally both = all[side][0];
    both.Add(all[side][1]);
    std::printf("  %s: tune %.1f %% of %d, held %.1f %% of %d, together %.1f %% (%d partly)\n",
                side == 0 ? "true, supported" : "false, caught", Percent(all[side][0]),
                all[side][0].pairs, Percent(all[side][1]), all[side][1].pairs, Percent(both),
                both.partly);
    reached &= Percent(both) >= least[side];
  }
  return reached;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  std::string failures;
  std::array<double, 2> least = {};
  bool reached = true;
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--failures" && i + 1 < argc) {
      failures = argv[++i];
    } else if (argument == "--least" && i + 2 < argc) {
      least[0] = std::atof(argv[++i]);
      least[1] = std::atof(argv[++i]);
    } else {
      reached &= citeseek::Measure(argv[i], failures, least);
      ++files;
    }
  }
  if (files == 0) {
    std::fprintf(stderr,
                 "usage: verify_pairs [--failures tune|held|all] [--least TRUE CAUGHT] FILE...\n");
    return 2;
  }
  return reached ? 0 : 1;
}
