#include "inference/model/jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "inference/utf8.h"

namespace citeseek::inference::jinja {
namespace {

constexpr int kMaxDepth = static_cast<int>(kMaxValueDepth);

void AppendRange(std::vector<Range>& ranges, Range range) {
  if (range.begin == range.end) return;
  if (!ranges.empty() && ranges.back().end == range.begin) {
    ranges.back().end = range.end;
  } else {
    ranges.push_back(range);
  }
}

std::uint64_t Sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}

void AppendQuoted(const Text& text, Text& out) {
  const bool single =
      text.bytes.find('\'') == std::string::npos || text.bytes.find('"') != std::string::npos;
  const char quote = single ? '\'' : '"';
  std::string quoted(1, quote);
  for (const char c : text.bytes) {
    if (c == quote || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      quoted += absl::StrFormat("\\x%02x", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  quoted += quote;
  out.Append(text.Changed(std::move(quoted)));
}

void AppendJsonString(const Text& text, bool ascii, Text& out) {
  std::string quoted = "\"";
  for (std::size_t at = 0; at < text.bytes.size(); ++at) {
    const char c = text.bytes[at];
    if (ascii && static_cast<unsigned char>(c) >= 0x7F) {
      const char32_t code = NextCodePoint(text.bytes, at);
      --at;  // the loop goes on behind it
      if (code > 0xFFFF) {
        const auto high = static_cast<unsigned>(0xD800 + ((code - 0x10000) >> 10));
        const auto low = static_cast<unsigned>(0xDC00 + (code & 0x3FF));
        absl::StrAppendFormat(&quoted, "\\u%04x\\u%04x", high, low);
      } else {
        absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(code));
      }
      continue;
    }
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\b':
        quoted += "\\b";
        break;
      case '\f':
        quoted += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          quoted += absl::StrFormat("\\u%04x", static_cast<unsigned>(c));
        } else {
          quoted += c;
        }
    }
  }
  quoted += '"';
  out.Append(text.Changed(std::move(quoted)));
}

}  // namespace

void Text::Append(const Text& other) {
  const std::size_t shift = bytes.size();
  bytes += other.bytes;
  for (const Range& range : other.user) {
    AppendRange(user, {range.begin + shift, range.end + shift});
  }
}

Text Text::Slice(std::size_t begin, std::size_t end) const {
  Text out{.bytes = bytes.substr(begin, end - begin)};
  for (const Range& range : user) {
    const std::size_t from = std::max(range.begin, begin);
    const std::size_t to = std::min(range.end, end);
    if (from < to) AppendRange(out.user, {from - begin, to - begin});
  }
  return out;
}

Text Text::Changed(std::string changed) const {
  Text out{.bytes = std::move(changed)};
  if (!user.empty()) AppendRange(out.user, {0, out.bytes.size()});
  return out;
}

const Text* Value::String() const {
  const auto* text = std::get_if<std::shared_ptr<const Text>>(&data);
  return text == nullptr ? nullptr : text->get();
}
const List* Value::Items() const {
  const auto* list = std::get_if<std::shared_ptr<const List>>(&data);
  return list == nullptr ? nullptr : list->get();
}
const Dict* Value::Mapping() const {
  const auto* dict = std::get_if<std::shared_ptr<const Dict>>(&data);
  return dict == nullptr ? nullptr : dict->get();
}

Value MakeText(std::string bytes) { return MakeText(Text{.bytes = std::move(bytes)}); }
Value MakeText(Text text) {
  const std::uint64_t weight = 16 + text.bytes.size();
  return {.data = std::make_shared<const Text>(std::move(text)), .weight = weight};
}
Value MakeList(List items) {
  Value value;
  for (const Value& item : items) {
    value.depth = std::max(value.depth, item.depth + 1);
    value.weight = Sum(value.weight, item.weight);
  }
  value.data = std::make_shared<const List>(std::move(items));
  return value;
}
Value MakeDict(Dict members) {
  Value value;
  for (const auto& [key, member] : members) {
    value.depth = std::max({value.depth, key.depth + 1, member.depth + 1});
    value.weight = Sum(value.weight, Sum(key.weight, member.weight));
  }
  value.data = std::make_shared<const Dict>(std::move(members));
  return value;
}
Value MakeLoop(std::shared_ptr<Loop> loop) {
  return {.data = std::move(loop), .depth = kMaxValueDepth};
}
Value MakeNamespace(std::shared_ptr<Namespace> object) {
  return {.data = std::move(object), .depth = kMaxValueDepth};
}
Value MakeInt(std::int64_t number) { return {number}; }
Value MakeDouble(double number) { return {number}; }
Value MakeBool(bool flag) { return {flag}; }

Value FromJson(const Json& json, bool user) {
  if (json.Bool() != nullptr) return MakeBool(*json.Bool());
  if (json.Int() != nullptr) return MakeInt(*json.Int());
  if (json.Double() != nullptr) return MakeDouble(*json.Double());
  if (const std::string* text = json.String()) {
    Text out{.bytes = *text};
    if (user) AppendRange(out.user, {0, out.bytes.size()});
    return MakeText(std::move(out));
  }
  if (const JsonArray* array = json.Array()) {
    List items;
    for (const Json& item : *array) items.push_back(FromJson(item, user));
    return MakeList(std::move(items));
  }
  if (const JsonObject* object = json.Object()) {
    Dict members;
    for (const auto& [key, value] : *object) {
      members.emplace_back(FromJson(Json{key}, user), FromJson(value, user));
    }
    return MakeDict(std::move(members));
  }
  return {None{}};
}

const Value* FindKey(const Dict& dict, std::string_view key) {
  for (auto it = dict.rbegin(); it != dict.rend(); ++it) {
    const Text* text = it->first.String();
    if (text != nullptr && text->bytes == key) return &it->second;
  }
  return nullptr;
}

const Value* FindKey(const Dict& dict, const Value& key) {
  if (key.String() != nullptr) return FindKey(dict, key.String()->bytes);
  for (auto it = dict.rbegin(); it != dict.rend(); ++it) {
    if (Equal(it->first, key)) return &it->second;
  }
  return nullptr;
}

bool IsNumber(const Value& value) {
  return value.Bool() != nullptr || value.Int() != nullptr || value.Double() != nullptr;
}

double AsDouble(const Value& value) {
  if (value.Bool() != nullptr) return *value.Bool() ? 1.0 : 0.0;
  if (value.Int() != nullptr) return static_cast<double>(*value.Int());
  return value.Double() != nullptr ? *value.Double() : 0.0;
}

bool IsTrue(const Value& value) {
  if (value.IsUndefined() || value.IsNone()) return false;
  if (IsNumber(value)) return AsDouble(value) != 0.0;
  if (value.String() != nullptr) return !value.String()->bytes.empty();
  if (value.Items() != nullptr) return !value.Items()->empty();
  if (value.Mapping() != nullptr) return !value.Mapping()->empty();
  return true;
}

int Compare(const Value& a, const Value& b) {
  if (IsNumber(a) && IsNumber(b)) {
    if (a.Int() != nullptr && b.Int() != nullptr) {
      return *a.Int() < *b.Int() ? -1 : *a.Int() > *b.Int() ? 1 : 0;
    }
    const double x = AsDouble(a), y = AsDouble(b);
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
  }
  if (a.String() != nullptr && b.String() != nullptr) {
    const int order = a.String()->bytes.compare(b.String()->bytes);  // UTF-8 sorts as code points
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (a.Items() != nullptr && b.Items() != nullptr) {
    const List& x = *a.Items();
    const List& y = *b.Items();
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      const int order = Equal(x[i], y[i]) ? 0 : Compare(x[i], y[i]);
      if (order != 0) return order;
    }
    return x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0;
  }
  return 2;
}

bool Equal(const Value& a, const Value& b) {
  if ((a.IsUndefined() && b.IsUndefined()) || (a.IsNone() && b.IsNone())) return true;
  if (const Dict* x = a.Mapping(); x != nullptr && b.Mapping() != nullptr) {
    return x->size() == b.Mapping()->size() &&
           std::all_of(x->begin(), x->end(), [&](const auto& member) {
             const Value* other = FindKey(*b.Mapping(), member.first);
             return other != nullptr && Equal(member.second, *other);
           });
  }
  if (const List* x = a.Items(); x != nullptr && b.Items() != nullptr) {
    return std::equal(x->begin(), x->end(), b.Items()->begin(), b.Items()->end(), Equal);
  }
  return Compare(a, b) == 0;
}

std::string TypeName(const Value& value) {
  if (value.IsUndefined()) return "Undefined";
  if (value.IsNone()) return "NoneType";
  if (value.Bool() != nullptr) return "bool";
  if (value.Int() != nullptr) return "int";
  if (value.Double() != nullptr) return "float";
  if (value.String() != nullptr) return "str";
  if (value.Items() != nullptr) return value.tuple ? "tuple" : "list";
  if (value.Mapping() != nullptr) return "dict";
  return "object";
}

std::string PythonFloat(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::abs(number);
  const bool plain = number == 0.0 || (size >= 1e-4 && size < 1e16);
  const auto end =
      plain ? std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::fixed)
            : std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::scientific);
  std::string text(buffer, end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

void AppendRepr(const Value& value, Text& out, int depth) {
  if (depth > kMaxDepth) {
    out.Append("...");
  } else if (value.String() != nullptr) {
    AppendQuoted(*value.String(), out);
  } else if (const List* items = value.Items()) {
    out.Append(value.tuple ? "(" : "[");
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i > 0) out.Append(", ");
      AppendRepr((*items)[i], out, depth + 1);
    }
    if (value.tuple && items->size() == 1) out.Append(",");
    out.Append(value.tuple ? ")" : "]");
  } else if (const Dict* members = value.Mapping()) {
    out.Append("{");
    for (std::size_t i = 0; i < members->size(); ++i) {
      if (i > 0) out.Append(", ");
      AppendRepr((*members)[i].first, out, depth + 1);
      out.Append(": ");
      AppendRepr((*members)[i].second, out, depth + 1);
    }
    out.Append("}");
  } else if (value.IsUndefined()) {
    out.Append("Undefined");
  } else {
    out.Append(ToText(value));
  }
}

Text ToText(const Value& value) {
  if (value.String() != nullptr) return *value.String();
  if (value.IsUndefined()) return {};
  if (value.IsNone()) return {.bytes = "None"};
  if (value.Bool() != nullptr) return {.bytes = *value.Bool() ? "True" : "False"};
  if (value.Int() != nullptr) return {.bytes = absl::StrCat(*value.Int())};
  if (value.Double() != nullptr) return {.bytes = PythonFloat(*value.Double())};
  Text out;
  if (value.Items() != nullptr || value.Mapping() != nullptr) {
    AppendRepr(value, out);
  } else {
    out.Append("<object>");
  }
  return out;
}

bool AppendJson(const Value& value, const JsonForm& form, Text& out, int depth) {
  if (depth > kMaxDepth) return false;
  const auto new_line = [&](int level) {
    if (form.indent < 0) return;
    out.Append("\n" + std::string(static_cast<std::size_t>(form.indent * level), ' '));
  };
  if (value.String() != nullptr) {
    AppendJsonString(*value.String(), form.ascii, out);
  } else if (value.Bool() != nullptr) {
    out.Append(*value.Bool() ? "true" : "false");
  } else if (value.IsNone()) {
    out.Append("null");
  } else if (value.Double() != nullptr) {
    const double number = *value.Double();
    out.Append(std::isnan(number)   ? "NaN"
               : std::isinf(number) ? (number < 0 ? "-Infinity" : "Infinity")
                                    : PythonFloat(number));
  } else if (value.Int() != nullptr) {
    out.Append(absl::StrCat(*value.Int()));
  } else if (const List* items = value.Items()) {
    out.Append("[");
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i > 0) out.Append(form.comma);
      new_line(depth + 1);
      if (!AppendJson((*items)[i], form, out, depth + 1)) return false;
    }
    if (!items->empty()) new_line(depth);
    out.Append("]");
  } else if (value.Mapping() != nullptr) {
    Dict members = *value.Mapping();
    if (form.sort_keys) {
      std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
        return Compare(a.first, b.first) == -1;
      });
    }
    out.Append("{");
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out.Append(form.comma);
      new_line(depth + 1);
      Text key;
      if (members[i].first.String() != nullptr) {
        AppendJsonString(*members[i].first.String(), form.ascii, out);
      } else {
        if (!AppendJson(members[i].first, {}, key, depth + 1)) return false;
        AppendJsonString(key, form.ascii, out);
      }
      out.Append(form.colon);
      if (!AppendJson(members[i].second, form, out, depth + 1)) return false;
    }
    if (!members.empty()) new_line(depth);
    out.Append("}");
  } else {
    return false;
  }
  return true;
}

}  // namespace citeseek::inference::jinja
