// The syntax tree of a Jinja template. Built by Parse, then never changed.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inference/model/jinja/value.h"

namespace citeseek::inference::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Expression {
  enum class Kind {
    kConstant,
    kName,       // name
    kAttribute,  // operands[0].name
    kIndex,      // operands[0][operands[1]]
    kSlice,      // operands[0][begin:end:step], missing parts are null
    kCall,       // operands[0](arguments)
    kFilter,     // operands[0] | name(arguments)
    kTest,       // operands[0] is name(arguments)
    kNot,
    kNegative,
    kPositive,
    kAnd,
    kOr,
    kCompare,      // operands[0] names[0] operands[1] names[1] ...
    kBinary,       // operands[0] name operands[1]: + - * / // % ** ~
    kConditional,  // operands[0] if operands[1] else operands[2] (or null)
    kList,
    kTuple,
    kDict,  // keys and values in turn
  };
  Kind kind = Kind::kConstant;
  Value constant;
  std::string name;
  std::vector<std::string> names;
  std::vector<ExpressionPtr> operands;
  Arguments arguments;
};

struct Statement;
using Block = std::vector<Statement>;

struct Statement {
  enum class Kind {
    kText,      // text
    kOutput,    // expression
    kFor,       // targets in expression if condition: body, else
    kIf,        // expression: body, else (elif: an if in else)
    kSet,       // targets = expression; or target.attribute
    kSetBlock,  // targets[0] = what body prints, through the filters
    kMacro,     // macro
    kFilter,    // what body prints, through the filters
    kBlock,     // body in its place (generation)
    kBreak,
    kContinue,
  };
  Kind kind = Kind::kText;
  int line = 0;
  std::string text;
  ExpressionPtr expression;
  ExpressionPtr condition;
  std::vector<std::string> targets;
  std::string attribute;
  Block body;
  Block otherwise;
  std::unique_ptr<Macro> macro;
};

struct Macro {
  std::string name;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  // with defaults or null
  Block body;
};

}  // namespace citeseek::inference::jinja
