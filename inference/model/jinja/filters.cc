// The filters ("| name") of Jinja that chat templates use.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "inference/model/jinja/runtime.h"
#include "inference/model/jinja/text_ops.h"

namespace citeseek::inference::jinja {
namespace {

bool Flag(const CallArguments& arguments, std::size_t place, std::string_view name,
          bool fallback = false) {
  const Value* value = arguments.Get(place, name);
  return value == nullptr ? fallback : IsTrue(*value);
}

Value MakePair(Value a, Value b) {
  Value pair = MakeList({std::move(a), std::move(b)});
  pair.tuple = true;
  return pair;
}

// What sorting compares: texts without case unless it matters.
Value SortKey(const Value& value, bool case_sensitive) {
  return value.String() == nullptr || case_sensitive ? value : MakeText(Lower(*value.String()));
}

Text Escaped(const Text& text) {
  std::string out;
  for (const char c : text.bytes) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return text.Changed(std::move(out));
}

}  // namespace

Value Runtime::Filter(std::string_view name, const Value& value, const CallArguments& arguments) {
  Step();
  if (Failed()) return {};
  if (name == "default" || name == "d") {
    const Value* fallback = arguments.Get(0, "default_value");
    const bool use = value.IsUndefined() || (Flag(arguments, 1, "boolean") && !IsTrue(value));
    if (!use) return value;
    return fallback == nullptr ? MakeText("") : *fallback;
  }
  if (name == "tojson") {
    // In the order of transformers, which is not Jinja's own.
    JsonForm form = {.ascii = Flag(arguments, 0, "ensure_ascii"),
                     .sort_keys = Flag(arguments, 3, "sort_keys")};
    const Value* indent = arguments.Get(1, "indent");
    if (indent != nullptr && indent->Int() != nullptr) {
      form.indent = static_cast<int>(std::clamp<std::int64_t>(*indent->Int(), 0, 16));
      form.comma = ",";
    }
    const Value* separators = arguments.Get(2, "separators");
    if (separators != nullptr && !separators->IsNone()) {
      const List* pair = separators->Items();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].String() || !(*pair)[1].String()) {
        Fail("tojson needs two separators");
        return {};
      }
      form.comma = (*pair)[0].String()->bytes;
      form.colon = (*pair)[1].String()->bytes;
    }
    Charge(value.weight * (form.comma.size() + form.colon.size() + (form.ascii ? 4 : 0)));
    Text out;
    if (Failed()) return {};
    if (!AppendJson(value, form, out)) {
      Fail(absl::StrCat("object of type ", TypeName(value), " is not JSON serializable"));
    }
    Charge(out.bytes.size());
    return Checked(MakeText(std::move(out)));
  }
  bool known = true;
  Value result = TextFilter(name, value, arguments, known);
  if (known) return result;
  known = true;
  result = ListFilter(name, value, arguments, known);
  if (!known) Fail(absl::StrCat("filter \"", std::string(name), "\" is unknown"));
  return result;
}

Value Runtime::TextFilter(std::string_view name, const Value& value, const CallArguments& arguments,
                          bool& known) {
  Charge(value.String() != nullptr ? value.String()->bytes.size() : 16);
  if (name == "string") {
    Charge(value.weight);
    return Failed() ? Value{} : Checked(MakeText(ToText(value)));
  }
  if (name == "trim") {
    const Value* characters = arguments.Get(0, "chars");
    const Text* set = characters == nullptr ? nullptr : characters->String();
    return MakeText(Strip(
        ToText(value), set == nullptr ? std::nullopt : std::optional<std::string_view>(set->bytes),
        true, true));
  }
  if (name == "upper") return MakeText(Upper(ToText(value)));
  if (name == "lower") return MakeText(Lower(ToText(value)));
  if (name == "capitalize") return MakeText(Capitalize(ToText(value)));
  if (name == "title") return MakeText(Title(ToText(value)));
  if (name == "escape" || name == "e" || name == "forceescape") {
    return MakeText(Escaped(ToText(value)));
  }
  if (name == "safe") return value;
  if (name == "replace") {
    bool found = true;
    const Value text = MakeText(ToText(value));
    CallArguments texts;
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}}) {
      const Value* part = arguments.Get(place, place == 0 ? "old" : "new");
      texts.positional.push_back(MakeText(part == nullptr ? Text{} : ToText(*part)));
    }
    if (const Value* count = arguments.Get(2, "count")) texts.positional.push_back(*count);
    return Method(text, "replace", texts, found);
  }
  if (name == "indent") {
    const Value* width = arguments.Get(0, "width");
    const std::int64_t blanks = width != nullptr && width->Int() != nullptr ? *width->Int() : 4;
    const std::string margin =
        width != nullptr && width->String() != nullptr
            ? width->String()->bytes
            : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(blanks, 0, 256)), ' ');
    const std::vector<Text> lines = Split(ToText(value), "\n", -1);
    Charge(lines.size() * (margin.size() + 64));
    Text out;
    for (std::size_t i = 0; i < lines.size() && !Failed(); ++i) {
      if (i > 0) out.Append("\n");
      const bool wanted = i == 0 ? Flag(arguments, 1, "first")
                                 : !lines[i].bytes.empty() || Flag(arguments, 2, "blank");
      if (wanted) out.Append(margin);
      out.Append(lines[i]);
    }
    return Checked(MakeText(std::move(out)));
  }
  if (name == "int" || name == "float") {
    double number = AsDouble(value);
    const Value* fallback = arguments.Get(0, "default");
    if (const Text* text = value.String()) {
      const Text digits = Strip(*text, std::nullopt, true, true);
      const char* end = digits.bytes.data() + digits.bytes.size();
      const auto parsed = std::from_chars(digits.bytes.data(), end, number);
      if (parsed.ec != std::errc() || parsed.ptr != end) {
        if (fallback != nullptr) return *fallback;
        number = 0.0;
      }
    }
    if (name == "float") return MakeDouble(number);
    if (value.Int() != nullptr) return value;
    if (!(std::abs(number) < 9e18)) {
      Fail("an integer is out of range");
      return {};
    }
    return MakeInt(static_cast<std::int64_t>(number));
  }
  if (name == "abs") {
    if (value.Int() != nullptr && *value.Int() > -(std::int64_t{1} << 62)) {
      return MakeInt(std::abs(*value.Int()));
    }
    return MakeDouble(std::abs(AsDouble(value)));
  }
  if (name == "round") {
    const Value* precision = arguments.Get(0, "precision");
    const Value* method = arguments.Get(1, "method");
    const double scale =
        std::pow(10.0, precision != nullptr && precision->Int() != nullptr
                           ? static_cast<double>(std::clamp<std::int64_t>(*precision->Int(), 0, 15))
                           : 0.0);
    const double scaled = AsDouble(value) * scale;
    const std::string how = method == nullptr ? "common" : ToText(*method).bytes;
    const double rounded = how == "ceil"    ? std::ceil(scaled)
                           : how == "floor" ? std::floor(scaled)
                                            : std::nearbyint(scaled);  // halves to even
    return MakeDouble(rounded / scale);
  }
  if (name == "wordcount") {
    return MakeInt(static_cast<std::int64_t>(Split(ToText(value), std::nullopt, -1).size()));
  }
  known = false;
  return {};
}

Value Runtime::ListFilter(std::string_view name, const Value& value, const CallArguments& arguments,
                          bool& known) {
  if (name == "length" || name == "count") {
    if (value.String() != nullptr) {
      return MakeInt(static_cast<std::int64_t>(CountCharacters(value.String()->bytes)));
    }
    if (value.Mapping() != nullptr) {
      return MakeInt(static_cast<std::int64_t>(value.Mapping()->size()));
    }
    if (value.Items() == nullptr && !value.IsUndefined()) {
      Fail(absl::StrCat("object of type ", TypeName(value), " has no length"));
    }
    return MakeInt(value.Items() == nullptr ? 0 : static_cast<std::int64_t>(value.Items()->size()));
  }
  if (name == "items" || name == "dictsort") {
    List pairs;
    if (const Dict* dict = value.Mapping()) {
      for (const auto& [key, member] : *dict) pairs.push_back(MakePair(key, member));
    } else if (!value.IsUndefined()) {
      Fail(absl::StrCat("filter ", std::string(name), " needs a mapping"));
    }
    Charge(64 * pairs.size());
    if (name == "items") return MakeList(std::move(pairs));
    const Value* by = arguments.Get(1, "by");
    const std::size_t part = by != nullptr && ToText(*by).bytes == "value" ? 1 : 0;
    const bool case_sensitive = Flag(arguments, 0, "case_sensitive");
    std::stable_sort(pairs.begin(), pairs.end(), [&](const Value& a, const Value& b) {
      return Compare(SortKey((*a.Items())[part], case_sensitive),
                     SortKey((*b.Items())[part], case_sensitive)) == -1;
    });
    if (Flag(arguments, 2, "reverse")) std::reverse(pairs.begin(), pairs.end());
    return MakeList(std::move(pairs));
  }
  static constexpr std::string_view kNames[] = {
      "first",  "last",       "list",   "join",       "reverse", "sort", "unique", "map",
      "select", "selectattr", "reject", "rejectattr", "sum",     "min",  "max"};
  if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) {
    known = false;
    return {};
  }
  List items = Iterate(value);
  Charge(32 * items.size());
  if (Failed()) return {};
  const Value* attribute = arguments.Get(name == "join" ? 1 : 99, "attribute");
  const auto key_of = [&](const Value& item) {
    return attribute == nullptr ? item : Path(item, ToText(*attribute).bytes);
  };
  if (name == "first") return items.empty() ? Value{Undefined{"first"}} : items.front();
  if (name == "last") return items.empty() ? Value{Undefined{"last"}} : items.back();
  if (name == "list") return Checked(MakeList(std::move(items)));
  if (name == "reverse") {
    std::reverse(items.begin(), items.end());
    if (value.String() == nullptr) return Checked(MakeList(std::move(items)));
    Text out;
    for (const Value& item : items) out.Append(*item.String());
    return MakeText(std::move(out));
  }
  if (name == "join") {
    const Value* separator = arguments.Get(0, "d");
    Text out;
    for (std::size_t i = 0; i < items.size() && !Failed(); ++i) {
      if (i > 0 && separator != nullptr) out.Append(ToText(*separator));
      const Value item = key_of(items[i]);
      Charge(item.weight + (separator == nullptr ? 0 : separator->weight));
      if (!Failed()) out.Append(ToText(item));
    }
    return Checked(MakeText(std::move(out)));
  }
  if (name == "map") {
    const Value* filter = arguments.Get(0, "filter");
    const Value* fallback = arguments.Get(98, "default");
    CallArguments rest;
    if (!arguments.positional.empty()) {
      rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
    }
    for (Value& item : items) {
      if (attribute != nullptr) {
        item = key_of(item);
        if (item.IsUndefined() && fallback != nullptr) item = *fallback;
      } else if (filter != nullptr) {
        item = Filter(ToText(*filter).bytes, item, rest);
      }
      if (Failed()) return {};
    }
    return Checked(MakeList(std::move(items)));
  }
  if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr") {
    const bool by_attribute = name.ends_with("attr");
    const bool wanted = name.starts_with("select");
    const std::size_t at = by_attribute ? 1 : 0;
    const std::vector<Value>& given = arguments.positional;
    if (by_attribute && given.empty()) {
      Fail(absl::StrCat("filter ", std::string(name), " needs an attribute"));
      return {};
    }
    CallArguments rest;
    if (given.size() > at + 1) {
      rest.positional.assign(given.begin() + static_cast<std::ptrdiff_t>(at) + 1, given.end());
    }
    List kept;
    for (const Value& item : items) {
      const Value key = by_attribute ? Path(item, ToText(given[0]).bytes) : item;
      const bool passes =
          given.size() > at ? Test(ToText(given[at]).bytes, key, rest) : IsTrue(key);
      if (Failed()) return {};
      if (passes == wanted) kept.push_back(item);
    }
    return MakeList(std::move(kept));
  }
  if (name == "sum") {
    const Value* start = arguments.Get(1, "start");
    Value sum = start == nullptr ? MakeInt(0) : *start;
    for (const Value& item : items) sum = Binary("+", sum, key_of(item));
    return sum;
  }
  // sort, unique, min, max
  const bool case_sensitive = Flag(arguments, name == "sort" ? 1 : 0, "case_sensitive");
  std::vector<std::pair<Value, Value>> keyed;  // key, item
  for (const Value& item : items) keyed.emplace_back(SortKey(key_of(item), case_sensitive), item);
  List out;
  if (name == "unique") {
    for (std::size_t i = 0; i < keyed.size() && !Failed(); ++i) {
      const bool seen = std::any_of(keyed.begin(), keyed.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const auto& earlier) {
                                      Step();
                                      return Equal(earlier.first, keyed[i].first);
                                    });
      if (!seen) out.push_back(keyed[i].second);
    }
    return MakeList(std::move(out));
  }
  for (std::size_t i = 1; i < keyed.size(); ++i) {
    if (Compare(keyed[i - 1].first, keyed[i].first) == 2) {
      Fail(absl::StrCat("cannot sort ", TypeName(keyed[i - 1].first), " and ",
                        TypeName(keyed[i].first)));
      return {};
    }
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return Compare(a.first, b.first) == -1; });
  if (name == "min" || name == "max") {
    if (keyed.empty()) return {Undefined{std::string(name)}};
    return name == "min" ? keyed.front().second : keyed.back().second;
  }
  for (auto& [key, item] : keyed) out.push_back(std::move(item));
  if (Flag(arguments, 0, "reverse")) std::reverse(out.begin(), out.end());
  return MakeList(std::move(out));
}

}  // namespace citeseek::inference::jinja
