// Runtime: what filters, tests and methods of Jinja do, within bounds.
//
// Keeps the first error; after it everything returns at once. Single-threaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "inference/model/jinja/value.h"

namespace citeseek::inference::jinja {

struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // The argument of this place or name, or null.
  const Value* Get(std::size_t place, std::string_view name) const;
};

class Runtime {
 public:
  bool Failed() const { return !status_.ok(); }
  const absl::Status& status() const { return status_; }
  void Fail(const std::string& problem);

  // Every step of the interpreter counts, and every byte of text that is made.
  void Step();
  void Charge(std::uint64_t bytes);
  // `value`, or Undefined with an error if it is too deep or too large to be handled further.
  Value Checked(Value value);

  Value Attribute(const Value& object, std::string_view name);
  Value Item(const Value& object, const Value& key);
  // The elements that a for statement would see.
  List Iterate(const Value& value);

  Value Binary(std::string_view op, const Value& a, const Value& b);
  bool CompareOp(std::string_view op, const Value& a, const Value& b);

  Value Filter(std::string_view name, const Value& value, const CallArguments& arguments);
  bool Test(std::string_view name, const Value& value, const CallArguments& arguments);
  // `known` tells whether the object has such a method.
  Value Method(const Value& object, std::string_view name, const CallArguments& arguments,
               bool& known);

 private:
  Value TextFilter(std::string_view name, const Value& value, const CallArguments& arguments,
                   bool& known);
  Value ListFilter(std::string_view name, const Value& value, const CallArguments& arguments,
                   bool& known);
  Value Format(const Text& text, const CallArguments& arguments);
  Value Power(const Value& a, const Value& b);
  Value Path(const Value& object, std::string_view dotted);  // "function.name"

  absl::Status status_;
  std::uint64_t steps_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace citeseek::inference::jinja
