#include "indexer/analyzer.h"

#include <mutex>
#include <utility>

#include "indexer/analysis/scanner.h"

namespace citeseek::indexer {
namespace {

// Scanners hold ICU's iterators and caches, too dear to make for each text: idle ones are kept.
class PooledAnalyzer final : public Analyzer {
 public:
  std::vector<Term> Analyze(std::string_view text) const override {
    std::unique_ptr<Scanner> scanner = Take();
    std::vector<Term> terms = scanner->Scan(text);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(scanner));
    return terms;
  }

 private:
  std::unique_ptr<Scanner> Take() const {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Scanner> scanner = std::move(idle_.back());
        idle_.pop_back();
        return scanner;
      }
    }
    return std::make_unique<Scanner>();
  }

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scanner>> idle_;
};

}  // namespace

std::unique_ptr<const Analyzer> MakeAnalyzer() { return std::make_unique<PooledAnalyzer>(); }

}  // namespace citeseek::indexer
