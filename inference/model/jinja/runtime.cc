#include "inference/model/jinja/runtime.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "inference/model/jinja/text_ops.h"

namespace citeseek::inference::jinja {
namespace {

constexpr std::uint64_t kMaxSteps = 2'000'000;
constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;  // of all text ever made
constexpr std::uint64_t kMaxWeight = std::uint64_t{64} << 20;

std::string Quoted(const Value& value) { return absl::StrCat("\"", TypeName(value), "\""); }

// a // b and a % b as in Python: towards minus infinity.
std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

}  // namespace

const Value* CallArguments::Get(std::size_t place, std::string_view name) const {
  if (place < positional.size()) return &positional[place];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Runtime::Fail(const std::string& problem) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("template: ", problem));
}

void Runtime::Step() {
  if (++steps_ > kMaxSteps) Fail(absl::StrCat("takes more than ", kMaxSteps, " steps"));
}

void Runtime::Charge(std::uint64_t bytes) {
  bytes_ += std::min(bytes, kMaxBytes + 1);
  if (bytes_ > kMaxBytes) Fail(absl::StrCat("makes more than ", kMaxBytes, " bytes"));
}

Value Runtime::Checked(Value value) {
  if (value.depth <= kMaxValueDepth && value.weight <= kMaxWeight) return value;
  Fail("makes a value that is too deep or too large");
  return {};
}

Value Runtime::Attribute(const Value& object, std::string_view name) {
  if (object.IsUndefined()) {
    Fail(absl::StrCat("\"", std::get<Undefined>(object.data).name, "\" is undefined, it has no ",
                      std::string(name)));
    return {};
  }
  if (const Dict* dict = object.Mapping()) {
    if (const Value* found = FindKey(*dict, name)) return *found;
  }
  if (const auto* space = std::get_if<std::shared_ptr<Namespace>>(&object.data)) {
    for (const auto& [key, value] : (*space)->members) {
      if (key == name) return value;
    }
  }
  if (const auto* pointer = std::get_if<std::shared_ptr<Loop>>(&object.data)) {
    const Loop& loop = **pointer;
    const auto count = static_cast<std::int64_t>(loop.items->size());
    const auto index = static_cast<std::int64_t>(loop.index);
    if (name == "index") return MakeInt(index + 1);
    if (name == "index0") return MakeInt(index);
    if (name == "revindex") return MakeInt(count - index);
    if (name == "revindex0") return MakeInt(count - index - 1);
    if (name == "first") return MakeBool(index == 0);
    if (name == "last") return MakeBool(index + 1 == count);
    if (name == "length") return MakeInt(count);
    if (name == "depth") return MakeInt(1);
    if (name == "depth0") return MakeInt(0);
    if (name == "previtem" && index > 0) return (*loop.items)[loop.index - 1];
    if (name == "nextitem" && index + 1 < count) return (*loop.items)[loop.index + 1];
  }
  return {Undefined{std::string(name)}};
}

Value Runtime::Item(const Value& object, const Value& key) {
  if (object.IsUndefined()) return Attribute(object, ToText(key).bytes);
  if (const Dict* dict = object.Mapping()) {
    const Value* found = FindKey(*dict, key);
    return found != nullptr ? *found : Value{Undefined{ToText(key).bytes}};
  }
  if (key.Int() != nullptr || key.Bool() != nullptr) {
    std::int64_t index = key.Int() != nullptr ? *key.Int() : (*key.Bool() ? 1 : 0);
    if (const List* items = object.Items()) {
      const auto count = static_cast<std::int64_t>(items->size());
      if (index < 0) index += count;
      if (index >= 0 && index < count) return (*items)[static_cast<std::size_t>(index)];
    } else if (const Text* text = object.String()) {
      const auto offsets = CharacterOffsets(text->bytes);
      Charge(text->bytes.size());
      const auto count = static_cast<std::int64_t>(offsets.size()) - 1;
      if (index < 0) index += count;
      if (index >= 0 && index < count) {
        const auto i = static_cast<std::size_t>(index);
        return MakeText(text->Slice(offsets[i], offsets[i + 1]));
      }
    }
    return {Undefined{absl::StrCat("element ", index)}};
  }
  if (key.String() != nullptr) return Attribute(object, key.String()->bytes);
  return {Undefined{"element"}};
}

List Runtime::Iterate(const Value& value) {
  List items;
  if (const List* list = value.Items()) return *list;
  if (const Dict* dict = value.Mapping()) {
    for (const auto& member : *dict) items.push_back(member.first);
  } else if (const Text* text = value.String()) {
    Charge(64 * text->bytes.size());
    if (Failed()) return items;
    const auto offsets = CharacterOffsets(text->bytes);
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
      items.push_back(MakeText(text->Slice(offsets[i], offsets[i + 1])));
    }
  } else if (!value.IsUndefined()) {
    Fail(absl::StrCat(Quoted(value), " object is not iterable"));
  }
  return items;
}

Value Runtime::Power(const Value& a, const Value& b) {
  if (a.Int() == nullptr || b.Int() == nullptr || *b.Int() < 0) {
    return MakeDouble(std::pow(AsDouble(a), AsDouble(b)));
  }
  std::int64_t result = 1;
  for (std::int64_t i = 0; i < *b.Int(); ++i) {
    if (__builtin_mul_overflow(result, *a.Int(), &result) || i > 4096) {
      Fail("an integer is out of range");
      return {};
    }
  }
  return MakeInt(result);
}

Value Runtime::Binary(std::string_view op, const Value& a, const Value& b) {
  if (op == "~") {
    Text text = ToText(a);
    text.Append(ToText(b));
    Charge(text.bytes.size());
    return Checked(MakeText(std::move(text)));
  }
  for (const Value* side : {&a, &b}) {
    if (side->IsUndefined()) {
      Fail(absl::StrCat("\"", std::get<Undefined>(side->data).name, "\" is undefined"));
      return {};
    }
  }
  if (op == "+" && a.String() != nullptr && b.String() != nullptr) {
    Text text = *a.String();
    text.Append(*b.String());
    Charge(text.bytes.size());
    return Checked(MakeText(std::move(text)));
  }
  if (op == "+" && a.Items() != nullptr && b.Items() != nullptr && a.tuple == b.tuple) {
    List items = *a.Items();
    items.insert(items.end(), b.Items()->begin(), b.Items()->end());
    Charge(64 * items.size());
    Value sum = MakeList(std::move(items));
    sum.tuple = a.tuple;
    return Checked(std::move(sum));
  }
  if (op == "*" && (a.String() != nullptr || b.String() != nullptr)) {
    const Value& text = a.String() != nullptr ? a : b;
    const Value& count = a.String() != nullptr ? b : a;
    if (count.Int() != nullptr) {
      const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *count.Int()));
      const std::uint64_t size = text.String()->bytes.size();
      Charge(times > kMaxBytes ? kMaxBytes + 1 : times * (size + 1));
      Text out;
      for (std::uint64_t i = 0; i < times && !Failed(); ++i) out.Append(*text.String());
      return Checked(MakeText(std::move(out)));
    }
  }
  if (!IsNumber(a) || !IsNumber(b)) {
    if (op == "+" && a.String() != nullptr) {
      Fail(absl::StrCat("can only concatenate str (not ", Quoted(b), ") to str"));
    } else {
      Fail(absl::StrCat("unsupported operand types for ", std::string(op), ": ", Quoted(a), " and ",
                        Quoted(b)));
    }
    return {};
  }
  if (op == "**") return Power(a, b);
  if ((op == "/" || op == "//" || op == "%") && AsDouble(b) == 0.0) {
    Fail("division by zero");
    return {};
  }
  const bool whole = a.Double() == nullptr && b.Double() == nullptr;
  if (!whole || op == "/") {
    const double x = AsDouble(a), y = AsDouble(b);
    if (op == "+") return MakeDouble(x + y);
    if (op == "-") return MakeDouble(x - y);
    if (op == "*") return MakeDouble(x * y);
    if (op == "/") return MakeDouble(x / y);
    if (op == "//") return MakeDouble(std::floor(x / y));
    return MakeDouble(x - y * std::floor(x / y));
  }
  const auto integer = [](const Value& v) {
    return v.Int() != nullptr ? *v.Int() : static_cast<std::int64_t>(*v.Bool());
  };
  const std::int64_t x = integer(a), y = integer(b);
  std::int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(x, y, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(x, y, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(x, y, &result);
  } else if (x == std::numeric_limits<std::int64_t>::min() && y == -1) {
    overflow = true;
  } else {
    const std::int64_t quotient = FloorDivide(x, y);
    result = op == "//" ? quotient : x - quotient * y;
  }
  if (overflow) Fail("an integer is out of range");
  return MakeInt(result);
}

bool Runtime::CompareOp(std::string_view op, const Value& a, const Value& b) {
  Charge(std::min(a.weight, b.weight));
  if (op == "==") return Equal(a, b);
  if (op == "!=") return !Equal(a, b);
  if (op == "in" || op == "not in") {
    bool in = false;
    if (const Text* text = b.String()) {
      if (a.String() == nullptr) {
        Fail(absl::StrCat("'in <string>' requires string as left operand, not ", TypeName(a)));
      } else {
        Charge(text->bytes.size());
        in = text->bytes.find(a.String()->bytes) != std::string::npos;
      }
    } else if (b.Mapping() != nullptr) {
      in = FindKey(*b.Mapping(), a) != nullptr;
    } else if (b.Items() != nullptr) {
      in = std::any_of(b.Items()->begin(), b.Items()->end(),
                       [&](const Value& item) { return Equal(item, a); });
    } else if (!b.IsUndefined()) {
      Fail(absl::StrCat("argument of type ", Quoted(b), " is not iterable"));
    }
    return in == (op == "in");
  }
  const int order = Compare(a, b);
  if (order == 2 && !(IsNumber(a) && IsNumber(b))) {
    Fail(absl::StrCat(std::string(op), " not supported between ", Quoted(a), " and ", Quoted(b)));
  }
  if (op == "<") return order == -1;
  if (op == ">") return order == 1;
  if (op == "<=") return order == -1 || order == 0;
  return order == 1 || order == 0;
}

Value Runtime::Path(const Value& object, std::string_view dotted) {
  Value value = object;
  while (!Failed()) {
    const std::size_t dot = dotted.find('.');
    const std::string_view part = dotted.substr(0, dot);
    std::int64_t index = 0;
    const bool is_index =
        !part.empty() && part.size() < 10 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    for (const char c : is_index ? part : std::string_view()) index = index * 10 + (c - '0');
    value = is_index ? Item(value, MakeInt(index)) : Attribute(value, part);
    if (dot == std::string_view::npos) break;
    dotted.remove_prefix(dot + 1);
  }
  return value;
}

}  // namespace citeseek::inference::jinja
