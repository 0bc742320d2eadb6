// TokenConstraint: says, token by token, what one call may say next.
//
// Used by the engine's thread alone, from the moment that Generate is called until it returns; a
// call's constraint is not shared with other calls. Both functions lie between two steps of all
// calls, so they must be quick (microseconds). Where exactly one token is allowed, the engine takes
// it without asking the model: that is how text is forced, such as the end of a thought.
#pragma once

#include <cstdint>
#include <span>

namespace citeseek::inference {

struct AllowedTokens {
  enum class Kind {
    kAll,
    kOnly,    // these; none: the call ends here
    kAllBut,  // these are forbidden
  };
  Kind kind = Kind::kAll;
  std::span<const std::int32_t> tokens;  // in any order; ids that the model lacks are ignored
};

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  // What may follow the tokens accepted so far; valid until this object is called again. May be
  // asked more than once.
  virtual AllowedTokens Next() = 0;

  // The call's next token, in order. Only tokens that Next allowed, and never one that is taken
  // back.
  virtual void Accept(std::int32_t token) = 0;
};

}  // namespace citeseek::inference
