// Tests ("is ...") and the methods of Python's str and dict that templates call.
#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "inference/model/jinja/runtime.h"
#include "inference/model/jinja/text_ops.h"

namespace citeseek::inference::jinja {
namespace {

Value MakeTexts(std::vector<Text> texts) {
  List items;
  for (Text& text : texts) items.push_back(MakeText(std::move(text)));
  return MakeList(std::move(items));
}

Value MakePair(Value a, Value b) {
  Value pair = MakeList({std::move(a), std::move(b)});
  pair.tuple = true;
  return pair;
}

}  // namespace

bool Runtime::Test(std::string_view name, const Value& value, const CallArguments& arguments) {
  Step();
  const Value* other = arguments.Get(0, "other");
  const auto number = [&]() -> std::int64_t {
    if (value.Int() != nullptr) return *value.Int();
    Fail(absl::StrCat("test ", std::string(name), " needs an integer"));
    return 0;
  };
  if (name == "defined") return !value.IsUndefined();
  if (name == "undefined") return value.IsUndefined();
  if (name == "none") return value.IsNone();
  if (name == "true") return value.Bool() != nullptr && *value.Bool();
  if (name == "false") return value.Bool() != nullptr && !*value.Bool();
  if (name == "boolean") return value.Bool() != nullptr;
  if (name == "integer") return value.Int() != nullptr;
  if (name == "float") return value.Double() != nullptr;
  if (name == "number") return IsNumber(value);
  if (name == "string") return value.String() != nullptr;
  if (name == "mapping") return value.Mapping() != nullptr;
  if (name == "sequence" || name == "iterable") {
    return value.String() != nullptr || value.Items() != nullptr || value.Mapping() != nullptr ||
           value.IsUndefined();
  }
  if (name == "callable") return std::holds_alternative<const Macro*>(value.data);
  if (name == "odd") return number() % 2 != 0;
  if (name == "even") return number() % 2 == 0;
  if (name == "lower" || name == "upper") {
    const Text text = ToText(value);
    const std::string& changed = name == "lower" ? Lower(text).bytes : Upper(text).bytes;
    const std::string& opposite = name == "lower" ? Upper(text).bytes : Lower(text).bytes;
    return changed == text.bytes && opposite != text.bytes;
  }
  if (other != nullptr) {
    if (name == "equalto" || name == "eq" || name == "==" || name == "sameas") {
      if (name == "sameas" && TypeName(value) != TypeName(*other)) return false;
      return CompareOp("==", value, *other);
    }
    if (name == "ne") return CompareOp("!=", value, *other);
    if (name == "lt" || name == "lessthan") return CompareOp("<", value, *other);
    if (name == "le") return CompareOp("<=", value, *other);
    if (name == "gt" || name == "greaterthan") return CompareOp(">", value, *other);
    if (name == "ge") return CompareOp(">=", value, *other);
    if (name == "in") return CompareOp("in", value, *other);
    if (name == "divisibleby" && other->Int() != nullptr && *other->Int() > 0) {
      return number() % *other->Int() == 0;
    }
  }
  Fail(absl::StrCat("test \"", std::string(name), "\" is unknown or lacks an argument"));
  return false;
}

Value Runtime::Method(const Value& object, std::string_view name, const CallArguments& arguments,
                      bool& known) {
  known = true;
  Step();
  if (const Dict* dict = object.Mapping()) {
    if (name == "get") {
      const Value* key = arguments.Get(0, "key");
      const Value* found = key == nullptr ? nullptr : FindKey(*dict, *key);
      const Value* fallback = arguments.Get(1, "default");
      return found != nullptr ? *found : fallback != nullptr ? *fallback : Value{None{}};
    }
    if (name == "items" || name == "keys" || name == "values") {
      List items;
      for (const auto& [key, value] : *dict) {
        items.push_back(name == "items" ? MakePair(key, value) : name == "keys" ? key : value);
      }
      Charge(64 * items.size());
      return MakeList(std::move(items));
    }
    known = false;
    return {};
  }
  if (const auto* loop = std::get_if<std::shared_ptr<Loop>>(&object.data)) {
    if (name == "cycle" && !arguments.positional.empty()) {
      return arguments.positional[(*loop)->index % arguments.positional.size()];
    }
  }
  const Text* text = object.String();
  if (text == nullptr) {
    known = false;
    return {};
  }
  Charge(text->bytes.size());
  // The argument as a text, nullptr where it is missing or none.
  const auto text_argument = [&](std::size_t place, std::string_view key) -> const Text* {
    const Value* value = arguments.Get(place, key);
    if (value == nullptr || value->IsNone()) return nullptr;
    if (value->String() == nullptr) {
      Fail(absl::StrCat("str.", std::string(name), " needs a string, not ", TypeName(*value)));
    }
    return value->String();
  };
  const auto int_argument = [&](std::size_t place, std::string_view key) -> std::int64_t {
    const Value* value = arguments.Get(place, key);
    return value != nullptr && value->Int() != nullptr ? *value->Int() : -1;
  };
  // Any of several affixes, as startswith takes them.
  const auto has_affix = [&](bool at_start) {
    const Value* value = arguments.Get(0, "prefix");
    const List one = value == nullptr ? List{} : List{*value};
    const List& affixes = value != nullptr && value->Items() != nullptr ? *value->Items() : one;
    return std::any_of(affixes.begin(), affixes.end(), [&](const Value& affix) {
      if (affix.String() == nullptr) {
        Fail(absl::StrCat("str.", std::string(name), " needs a string"));
        return false;
      }
      const std::string_view bytes = text->bytes;
      return at_start ? bytes.starts_with(affix.String()->bytes)
                      : bytes.ends_with(affix.String()->bytes);
    });
  };
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const Text* characters = text_argument(0, "chars");
    return MakeText(Strip(
        *text,
        characters == nullptr ? std::nullopt : std::optional<std::string_view>(characters->bytes),
        name != "rstrip", name != "lstrip"));
  }
  if (name == "split") {
    const Text* separator = text_argument(0, "sep");
    if (separator != nullptr && separator->bytes.empty()) {
      Fail("empty separator");
      return {};
    }
    const auto max = static_cast<int>(
        std::clamp<std::int64_t>(int_argument(1, "maxsplit"), -1, std::int64_t{1} << 30));
    Charge(32 * text->bytes.size());
    return Checked(MakeTexts(Split(
        *text,
        separator == nullptr ? std::nullopt : std::optional<std::string_view>(separator->bytes),
        max)));
  }
  if (name == "splitlines") {
    Charge(32 * text->bytes.size());
    return Checked(MakeTexts(SplitLines(*text)));
  }
  if (name == "startswith") return MakeBool(has_affix(true));
  if (name == "endswith") return MakeBool(has_affix(false));
  if (name == "upper") return MakeText(Upper(*text));
  if (name == "lower") return MakeText(Lower(*text));
  if (name == "capitalize") return MakeText(Capitalize(*text));
  if (name == "title") return MakeText(Title(*text));
  if (name == "replace") {
    const Text* from = text_argument(0, "old");
    const Text* to = text_argument(1, "new");
    if (from == nullptr || to == nullptr) {
      Fail("str.replace needs two strings");
      return {};
    }
    const std::uint64_t places = from->bytes.empty() ? 0 : text->bytes.size() / from->bytes.size();
    Charge(places * to->bytes.size());
    if (Failed()) return {};
    return Checked(MakeText(Replace(*text, from->bytes, *to, int_argument(2, "count"))));
  }
  if (name == "find" || name == "count") {
    const Text* part = text_argument(0, "sub");
    if (part == nullptr) {
      Fail(absl::StrCat("str.", std::string(name), " needs a string"));
      return {};
    }
    if (name == "find") {
      const std::size_t found = text->bytes.find(part->bytes);
      if (found == std::string::npos) return MakeInt(-1);
      return MakeInt(static_cast<std::int64_t>(
          CountCharacters(std::string_view(text->bytes).substr(0, found))));
    }
    std::int64_t count = 0;
    for (std::size_t at = 0; !part->bytes.empty(); at += part->bytes.size()) {
      at = text->bytes.find(part->bytes, at);
      if (at == std::string::npos) break;
      ++count;
    }
    return MakeInt(count);
  }
  if (name == "format") return Format(*text, arguments);
  if (name == "join") {
    CallArguments separator;
    separator.positional.push_back(object);
    const Value* items = arguments.Get(0, "iterable");
    return items == nullptr ? Value{} : Filter("join", *items, separator);
  }
  if (name == "isdigit" || name == "isspace") {
    const bool digits = name == "isdigit";
    return MakeBool(!text->bytes.empty() &&
                    std::all_of(text->bytes.begin(), text->bytes.end(), [&](char c) {
                      return digits ? c >= '0' && c <= '9' : c == ' ' || (c >= '\t' && c <= '\r');
                    }));
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const Text* affix = text_argument(0, "prefix");
    const std::size_t size = affix == nullptr ? 0 : affix->bytes.size();
    if (size == 0 || !has_affix(name == "removeprefix")) return object;
    return MakeText(name == "removeprefix" ? text->Slice(size, text->bytes.size())
                                           : text->Slice(0, text->bytes.size() - size));
  }
  known = false;
  return {};
}

// str.format of "{}", "{0}" and "{name}", "{{" and "}}".
Value Runtime::Format(const Text& text, const CallArguments& arguments) {
  const std::string_view bytes = text.bytes;
  Text out;
  std::size_t next = 0, done = 0;
  for (std::size_t at = 0; at < bytes.size() && !Failed();) {
    const char c = bytes[at];
    if (c != '{' && c != '}') {
      ++at;
      continue;
    }
    out.Append(text.Slice(done, at));
    if (at + 1 < bytes.size() && bytes[at + 1] == c) {
      out.Append(text.Slice(at, at + 1));
      done = at += 2;
      continue;
    }
    const std::size_t end = bytes.find('}', at);
    const std::string_view field = bytes.substr(at + 1, end - at - 1);
    const bool numbered = !field.empty() && field.size() < 4 &&
                          std::all_of(field.begin(), field.end(),
                                      [](char digit) { return digit >= '0' && digit <= '9'; });
    std::size_t place = arguments.positional.size();
    if (field.empty()) place = next++;
    if (numbered) {
      place = 0;
      for (const char digit : field) place = place * 10 + static_cast<std::size_t>(digit - '0');
    }
    const Value* value =
        c == '{' && end != std::string_view::npos ? arguments.Get(place, field) : nullptr;
    if (value == nullptr) {
      Fail(absl::StrCat("str.format has nothing for \"", std::string(bytes.substr(at, 32)), "\""));
      return {};
    }
    Charge(value->weight);
    if (!Failed()) out.Append(ToText(*value));
    done = at = end + 1;
  }
  out.Append(text.Slice(done, bytes.size()));
  Charge(out.bytes.size());
  return Checked(MakeText(std::move(out)));
}

}  // namespace citeseek::inference::jinja
