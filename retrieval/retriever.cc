#include "retrieval/retriever.h"

namespace citeseek::retrieval {

absl::StatusOr<Result> Retriever::Read(const ReadRequest&) {
  return absl::UnimplementedError("this retriever reads no places");
}

}  // namespace citeseek::retrieval
