#include "inference/model/jinja/interpreter.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/jinja/runtime.h"
#include "inference/model/jinja/text_ops.h"

namespace citeseek::inference::jinja {
namespace {

using Kind = Expression::Kind;

constexpr int kMaxDepth = 300;  // of calls of the interpreter in itself
constexpr std::int64_t kMaxRange = 100'000;

// Variables of a block; what it does not have, its parents may.
struct Scope {
  std::vector<std::pair<std::string, Value>> variables;
  Scope* parent = nullptr;

  Value* Find(std::string_view name) {
    for (auto& [key, value] : variables) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  void Set(std::string_view name, Value value) {
    if (Value* old = Find(name)) {
      *old = std::move(value);
    } else {
      variables.emplace_back(std::string(name), std::move(value));
    }
  }
};

class Interpreter {
 public:
  explicit Interpreter(const Variables& variables) : variables_(variables) {
    globals_.variables = variables.values;
  }

  absl::StatusOr<Text> Run(const Block& block) {
    Text out;
    Execute(block, globals_, out);
    if (runtime_.Failed()) return runtime_.status();
    return out;
  }

 private:
  enum class Flow { kNext, kBreak, kContinue };

  // Counts how deep the interpreter is in itself.
  class Deeper {
   public:
    explicit Deeper(Interpreter& interpreter) : interpreter_(interpreter) {
      if (++interpreter_.depth_ > kMaxDepth) interpreter_.runtime_.Fail("nests too deeply");
      interpreter_.runtime_.Step();
    }
    ~Deeper() { --interpreter_.depth_; }

   private:
    Interpreter& interpreter_;
  };

  Flow Execute(const Block& block, Scope& scope, Text& out) {
    const Deeper deeper(*this);
    for (const Statement& statement : block) {
      if (runtime_.Failed()) break;
      const Flow flow = ExecuteOne(statement, scope, out);
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }

  Flow ExecuteOne(const Statement& statement, Scope& scope, Text& out) {
    runtime_.Step();
    switch (statement.kind) {
      case Statement::Kind::kText:
        Print(Text{.bytes = statement.text}, out);
        break;
      case Statement::Kind::kOutput: {
        const Value value = Evaluate(*statement.expression, scope);
        runtime_.Charge(value.weight);
        if (!runtime_.Failed()) Print(ToText(value), out);
        break;
      }
      case Statement::Kind::kFor:
        ExecuteFor(statement, scope, out);
        break;
      case Statement::Kind::kIf:
        return Execute(
            IsTrue(Evaluate(*statement.expression, scope)) ? statement.body : statement.otherwise,
            scope, out);
      case Statement::Kind::kSet:
        ExecuteSet(statement, scope);
        break;
      case Statement::Kind::kSetBlock:
      case Statement::Kind::kFilter: {
        Text captured;
        Scope inner{.parent = &scope};
        Execute(statement.body, inner, captured);
        Value value = MakeText(std::move(captured));
        if (statement.expression != nullptr) {
          value = EvaluateFilters(*statement.expression, value, scope);
        }
        if (statement.kind == Statement::Kind::kSetBlock) {
          scope.Set(statement.targets[0], std::move(value));
        } else {
          Print(ToText(value), out);
        }
        break;
      }
      case Statement::Kind::kMacro:
        scope.Set(statement.macro->name, Value{statement.macro.get()});
        break;
      case Statement::Kind::kBlock:
        return Execute(statement.body, scope, out);
      case Statement::Kind::kBreak:
        return Flow::kBreak;
      case Statement::Kind::kContinue:
        return Flow::kContinue;
    }
    return Flow::kNext;
  }

  void Print(const Text& text, Text& out) {
    runtime_.Charge(text.bytes.size());
    if (!runtime_.Failed()) out.Append(text);
  }

  // Gives the targets of a for or set their parts of a value.
  void Assign(const std::vector<std::string>& targets, const Value& value, Scope& scope) {
    if (targets.size() == 1) {
      scope.Set(targets[0], value);
      return;
    }
    const List parts = runtime_.Iterate(value);
    if (parts.size() != targets.size()) {
      runtime_.Fail(absl::StrCat("cannot unpack ", parts.size(), " values into ", targets.size()));
      return;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) scope.Set(targets[i], parts[i]);
  }

  void ExecuteFor(const Statement& statement, Scope& scope, Text& out) {
    List items = runtime_.Iterate(Evaluate(*statement.expression, scope));
    runtime_.Charge(32 * items.size());
    if (runtime_.Failed()) return;
    if (statement.condition != nullptr) {
      List kept;
      for (const Value& item : items) {
        Scope inner{.parent = &scope};
        Assign(statement.targets, item, inner);
        const bool keep = IsTrue(Evaluate(*statement.condition, inner));
        if (runtime_.Failed()) return;
        if (keep) kept.push_back(item);
      }
      items = std::move(kept);
    }
    if (items.empty()) {
      Execute(statement.otherwise, scope, out);
      return;
    }
    auto loop = std::make_shared<Loop>();
    loop->items = std::make_shared<const List>(std::move(items));
    for (; loop->index < loop->items->size() && !runtime_.Failed(); ++loop->index) {
      Scope inner{.parent = &scope};
      inner.Set("loop", MakeLoop(loop));
      Assign(statement.targets, (*loop->items)[loop->index], inner);
      if (Execute(statement.body, inner, out) == Flow::kBreak) break;
    }
  }

  void ExecuteSet(const Statement& statement, Scope& scope) {
    Value value = Evaluate(*statement.expression, scope);
    if (runtime_.Failed()) return;
    if (statement.attribute.empty()) {
      Assign(statement.targets, value, scope);
      return;
    }
    const Value object = Lookup(statement.targets[0], scope);
    const auto* space = std::get_if<std::shared_ptr<Namespace>>(&object.data);
    if (space == nullptr) {
      runtime_.Fail(absl::StrCat("cannot set an attribute of ", statement.targets[0],
                                 ", which is no namespace"));
      return;
    }
    PutMember(**space, statement.attribute, std::move(value));
  }

  void PutMember(Namespace& space, std::string_view name, Value value) {
    if (value.depth >= kMaxValueDepth) {  // an object with an identity could come to hold itself
      runtime_.Fail("cannot put this into a namespace");
      return;
    }
    for (auto& [key, member] : space.members) {
      if (key == name) {
        member = std::move(value);
        return;
      }
    }
    space.members.emplace_back(std::string(name), std::move(value));
  }

  Value Lookup(std::string_view name, Scope& scope) {
    for (Scope* s = &scope; s != nullptr; s = s->parent) {
      if (const Value* value = s->Find(name)) return *value;
    }
    static constexpr std::string_view kFunctions[] = {"raise_exception", "namespace", "dict",
                                                      "range"};
    if ((name == "strftime_now" && variables_.strftime_now) ||
        std::find(std::begin(kFunctions), std::end(kFunctions), name) != std::end(kFunctions)) {
      return Value{static_cast<const Macro*>(nullptr)};  // of the environment, not of the template
    }
    return {Undefined{std::string(name)}};
  }

  Value Evaluate(const Expression& expression, Scope& scope) {
    const Deeper deeper(*this);
    if (runtime_.Failed()) return {};
    const auto operand = [&](std::size_t i) { return Evaluate(*expression.operands[i], scope); };
    switch (expression.kind) {
      case Kind::kConstant:
        return expression.constant;
      case Kind::kName:
        return Lookup(expression.name, scope);
      case Kind::kAttribute:
        return runtime_.Attribute(operand(0), expression.name);
      case Kind::kIndex: {
        const Value object = operand(0);
        return runtime_.Item(object, operand(1));
      }
      case Kind::kSlice:
        return Slice(expression, scope);
      case Kind::kCall:
        return Call(expression, scope);
      case Kind::kFilter: {
        const Value value = operand(0);
        return runtime_.Filter(expression.name, value, Evaluate(expression.arguments, scope));
      }
      case Kind::kTest: {
        const Value value = operand(0);
        return MakeBool(
            runtime_.Test(expression.name, value, Evaluate(expression.arguments, scope)));
      }
      case Kind::kNot:
        return MakeBool(!IsTrue(operand(0)));
      case Kind::kNegative:
        return runtime_.Binary("-", MakeInt(0), operand(0));
      case Kind::kPositive:
        return runtime_.Binary("+", MakeInt(0), operand(0));
      case Kind::kAnd: {
        Value left = operand(0);
        return IsTrue(left) ? operand(1) : left;
      }
      case Kind::kOr: {
        Value left = operand(0);
        return IsTrue(left) ? left : operand(1);
      }
      case Kind::kCompare: {
        Value left = operand(0);
        for (std::size_t i = 0; i < expression.names.size(); ++i) {
          Value right = operand(i + 1);
          if (runtime_.Failed() || !runtime_.CompareOp(expression.names[i], left, right)) {
            return MakeBool(false);
          }
          left = std::move(right);
        }
        return MakeBool(true);
      }
      case Kind::kBinary: {
        const Value left = operand(0);
        const Value right = operand(1);
        return runtime_.Failed() ? Value{} : runtime_.Binary(expression.name, left, right);
      }
      case Kind::kConditional:
        if (IsTrue(operand(1))) return operand(0);
        return expression.operands[2] == nullptr ? Value{Undefined{"else"}} : operand(2);
      case Kind::kList:
      case Kind::kTuple: {
        List items;
        for (std::size_t i = 0; i < expression.operands.size(); ++i) items.push_back(operand(i));
        runtime_.Charge(64 * items.size());
        Value value = MakeList(std::move(items));
        value.tuple = expression.kind == Kind::kTuple;
        return runtime_.Checked(std::move(value));
      }
      case Kind::kDict: {
        Dict members;
        for (std::size_t i = 0; i + 1 < expression.operands.size(); i += 2) {
          Value key = operand(i);
          members.emplace_back(std::move(key), operand(i + 1));
        }
        runtime_.Charge(64 * members.size());
        return runtime_.Checked(MakeDict(std::move(members)));
      }
    }
    return {};
  }

  CallArguments Evaluate(const Arguments& arguments, Scope& scope) {
    CallArguments result;
    for (const auto& expression : arguments.positional) {
      result.positional.push_back(Evaluate(*expression, scope));
    }
    for (const auto& [name, expression] : arguments.named) {
      result.named.emplace_back(name, Evaluate(*expression, scope));
    }
    return result;
  }

  // A chain of filters whose innermost operand stands for `value`.
  Value EvaluateFilters(const Expression& chain, const Value& value, Scope& scope) {
    const Deeper deeper(*this);
    if (chain.kind != Kind::kFilter) return value;
    const Value inner = EvaluateFilters(*chain.operands[0], value, scope);
    return runtime_.Filter(chain.name, inner, Evaluate(chain.arguments, scope));
  }

  Value Slice(const Expression& expression, Scope& scope) {
    const Value object = Evaluate(*expression.operands[0], scope);
    std::optional<std::int64_t> parts[3];
    for (std::size_t i = 0; i < 3; ++i) {
      if (expression.operands[i + 1] == nullptr) continue;
      const Value part = Evaluate(*expression.operands[i + 1], scope);
      if (part.Int() != nullptr) {
        parts[i] =
            std::clamp<std::int64_t>(*part.Int(), -(std::int64_t{1} << 40), std::int64_t{1} << 40);
      } else if (!part.IsNone()) {
        runtime_.Fail("slice indices must be integers or None");
        return {};
      }
    }
    const List items = runtime_.Iterate(object);
    const auto count = static_cast<std::int64_t>(items.size());
    const std::int64_t step = parts[2].value_or(1);
    if (step == 0) {
      runtime_.Fail("slice step cannot be zero");
      return {};
    }
    const auto clamp = [&](std::optional<std::int64_t> part, std::int64_t fallback) {
      if (!part) return fallback;
      const std::int64_t from_start = *part < 0 ? *part + count : *part;
      return step > 0 ? std::clamp<std::int64_t>(from_start, 0, count)
                      : std::clamp<std::int64_t>(from_start, -1, count - 1);
    };
    const std::int64_t begin = clamp(parts[0], step > 0 ? 0 : count - 1);
    const std::int64_t end = clamp(parts[1], step > 0 ? count : -1);
    List kept;
    for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
      kept.push_back(items[static_cast<std::size_t>(i)]);
    }
    runtime_.Charge(32 * kept.size());
    if (object.String() == nullptr) {
      Value value = MakeList(std::move(kept));
      value.tuple = object.tuple;
      return value;
    }
    Text text;
    for (const Value& character : kept) text.Append(*character.String());
    return MakeText(std::move(text));
  }

  Value Call(const Expression& expression, Scope& scope) {
    const Expression& callee = *expression.operands[0];
    if (callee.kind == Kind::kAttribute) {
      const Value object = Evaluate(*callee.operands[0], scope);
      const CallArguments arguments = Evaluate(expression.arguments, scope);
      if (runtime_.Failed()) return {};
      bool known = false;
      Value result = runtime_.Method(object, callee.name, arguments, known);
      if (known) return result;
      runtime_.Fail(absl::StrCat(TypeName(object), " has no method ", callee.name));
      return {};
    }
    if (callee.kind != Kind::kName) {
      runtime_.Fail("this cannot be called");
      return {};
    }
    const Value target = Lookup(callee.name, scope);
    const CallArguments arguments = Evaluate(expression.arguments, scope);
    if (runtime_.Failed()) return {};
    if (const auto* macro = std::get_if<const Macro*>(&target.data)) {
      return *macro != nullptr ? CallMacro(**macro, arguments)
                               : CallFunction(callee.name, arguments);
    }
    if (!target.IsUndefined()) {
      runtime_.Fail(absl::StrCat(TypeName(target), " object is not callable"));
      return {};
    }
    return CallFunction(callee.name, arguments);
  }

  Value CallMacro(const Macro& macro, const CallArguments& arguments) {
    const Deeper deeper(*this);
    if (arguments.positional.size() > macro.parameters.size()) {
      runtime_.Fail(absl::StrCat("macro ", macro.name, " takes at most ", macro.parameters.size(),
                                 " arguments"));
      return {};
    }
    Scope scope{.parent = &globals_};
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      const auto& [name, fallback] = macro.parameters[i];
      if (const Value* given = arguments.Get(i, name)) {
        scope.Set(name, *given);
      } else if (fallback != nullptr) {
        scope.Set(name, Evaluate(*fallback, scope));
      } else {
        scope.Set(name, {Undefined{name}});
      }
    }
    Text out;
    if (!runtime_.Failed()) Execute(macro.body, scope, out);
    return runtime_.Checked(MakeText(std::move(out)));
  }

  Value CallFunction(const std::string& name, const CallArguments& arguments) {
    if (name == "raise_exception") {
      const Value* message = arguments.Get(0, "message");
      runtime_.Fail(message == nullptr ? "raise_exception" : ToText(*message).bytes);
      return {};
    }
    if (name == "namespace") {
      auto space = std::make_shared<Namespace>();
      for (const auto& [key, value] : arguments.named) PutMember(*space, key, value);
      if (!arguments.positional.empty() && arguments.positional[0].Mapping() != nullptr) {
        for (const auto& [key, value] : *arguments.positional[0].Mapping()) {
          PutMember(*space, ToText(key).bytes, value);
        }
      }
      return MakeNamespace(std::move(space));
    }
    if (name == "dict") {
      Dict members;
      for (const auto& [key, value] : arguments.named) members.emplace_back(MakeText(key), value);
      return runtime_.Checked(MakeDict(std::move(members)));
    }
    if (name == "range") return Range(arguments);
    if (name == "strftime_now") {
      const Value* format = arguments.Get(0, "format");
      if (format == nullptr || format->String() == nullptr || !variables_.strftime_now) {
        runtime_.Fail("strftime_now has no clock or no format");
        return {};
      }
      return MakeText(variables_.strftime_now(format->String()->bytes));
    }
    runtime_.Fail(absl::StrCat("\"", name, "\" is undefined"));
    return {};
  }

  Value Range(const CallArguments& arguments) {
    std::int64_t parts[3] = {0, 0, 1};
    const std::size_t count = arguments.positional.size();
    for (std::size_t i = 0; i < count && i < 3; ++i) {
      const std::int64_t* number = arguments.positional[i].Int();
      if (number == nullptr || std::abs(*number) > std::int64_t{1} << 40) {
        runtime_.Fail("range needs integers of a sensible size");
        return {};
      }
      parts[count == 1 ? 1 : i] = *number;
    }
    const auto [begin, end, step] = std::tuple(parts[0], parts[1], parts[2]);
    if (count == 0 || count > 3 || step == 0) {
      runtime_.Fail("range needs one to three integers, its step not 0");
      return {};
    }
    List items;
    for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
      if (items.size() >= static_cast<std::size_t>(kMaxRange)) {
        runtime_.Fail(absl::StrCat("range is longer than ", kMaxRange));
        return {};
      }
      items.push_back(MakeInt(i));
    }
    runtime_.Charge(64 * items.size());
    return MakeList(std::move(items));
  }

  const Variables& variables_;
  Scope globals_;
  Runtime runtime_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Text> Run(const Block& block, const Variables& variables) {
  return Interpreter(variables).Run(block);
}

}  // namespace citeseek::inference::jinja
