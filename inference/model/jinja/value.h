// Value: what Jinja templates compute with; a text remembers which of its bytes users wrote.
//
// Cheap to copy (containers are shared and never changed once shared, namespaces excepted).
// Printing and comparing follow Python. Single-threaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "inference/model/json.h"

namespace citeseek::inference::jinja {

// Bytes [begin, end) of a text.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A text and the ranges of it that came from users or documents: sorted, apart from one another.
struct Text {
  std::string bytes;
  std::vector<Range> user;

  void Append(const Text& other);
  void Append(std::string_view plain) { bytes += plain; }
  Text Slice(std::size_t begin, std::size_t end) const;
  // Changed bytes that cannot be traced: all of them are the user's if any were.
  Text Changed(std::string changed) const;
};

struct Value;
struct Macro;
using List = std::vector<Value>;
using Dict = std::vector<std::pair<Value, Value>>;

struct Undefined {
  std::string name;
};
struct None {};

// The variable `loop` of a for statement.
struct Loop {
  std::shared_ptr<const List> items;
  std::size_t index = 0;
};
// namespace(): the one object that templates may change.
struct Namespace {
  std::vector<std::pair<std::string, Value>> members;
};

struct Value {
  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
               std::shared_ptr<Loop>, const Macro*>
      data;
  bool tuple = false;  // a list that prints with parentheses
  // How deep containers lie in each other, and what printing it all may take in bytes: both are
  // bounded by Runtime::Checked. Objects with an identity are too deep to be put into anything.
  std::uint32_t depth = 0;
  std::uint64_t weight = 16;

  bool IsUndefined() const { return std::holds_alternative<Undefined>(data); }
  bool IsNone() const { return std::holds_alternative<None>(data); }
  const bool* Bool() const { return std::get_if<bool>(&data); }
  const std::int64_t* Int() const { return std::get_if<std::int64_t>(&data); }
  const double* Double() const { return std::get_if<double>(&data); }
  const Text* String() const;
  const List* Items() const;
  const Dict* Mapping() const;
};

constexpr std::uint32_t kMaxValueDepth = 200;

Value MakeText(std::string bytes);
Value MakeText(Text text);
Value MakeList(List items);
Value MakeDict(Dict members);
Value MakeInt(std::int64_t number);
Value MakeDouble(double number);
Value MakeBool(bool flag);
Value MakeLoop(std::shared_ptr<Loop> loop);
Value MakeNamespace(std::shared_ptr<Namespace> object);

// Strings of a user's JSON are marked as such.
Value FromJson(const Json& json, bool user);

const Value* FindKey(const Dict& dict, std::string_view key);
const Value* FindKey(const Dict& dict, const Value& key);

bool IsTrue(const Value& value);
bool Equal(const Value& a, const Value& b);
// Less, equal, greater: -1, 0, 1; 2 if Python would not compare them.
int Compare(const Value& a, const Value& b);
bool IsNumber(const Value& value);  // bool included, as in Python
double AsDouble(const Value& value);
std::string TypeName(const Value& value);  // Python's: "str", "dict", ...

Text ToText(const Value& value);  // str(value)
void AppendRepr(const Value& value, Text& out, int depth = 0);
struct JsonForm {
  bool ascii = false;  // \uXXXX for all that is not
  int indent = -1;     // < 0: on one line
  bool sort_keys = false;
  std::string_view comma = ", ";
  std::string_view colon = ": ";
};
// json.dumps(value). False if it cannot be written.
bool AppendJson(const Value& value, const JsonForm& form, Text& out, int depth = 0);
std::string PythonFloat(double number);

}  // namespace citeseek::inference::jinja
