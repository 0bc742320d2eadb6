#include "inference/model/jinja/parser.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/jinja/lexer.h"

namespace citeseek::inference::jinja {
namespace {

using Kind = Expression::Kind;

constexpr int kMaxDepth = 100;   // of nested statements and expressions
constexpr int kMaxNodes = 2000;  // of one expression, and so its tree's height

ExpressionPtr Make(Kind kind) {
  auto expression = std::make_unique<Expression>();
  expression->kind = kind;
  return expression;
}
ExpressionPtr MakeConstant(Value value) {
  auto expression = Make(Kind::kConstant);
  expression->constant = std::move(value);
  return expression;
}
ExpressionPtr MakeUnary(Kind kind, ExpressionPtr operand) {
  auto expression = Make(kind);
  expression->operands.push_back(std::move(operand));
  return expression;
}

// Recursive descent; after the first error every method returns at once with something harmless.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  absl::StatusOr<Block> Run() {
    Block block = ParseBlock({});
    if (!status_.ok()) return status_;
    return block;
  }

 private:
  // Counts nesting while it lives.
  struct Nested {
    explicit Nested(Parser& owner) : parser(owner) {
      if (++parser.depth_ > kMaxDepth) {
        parser.Fail(absl::StrCat("is nested deeper than ", kMaxDepth));
      }
    }
    ~Nested() { --parser.depth_; }
    Parser& parser;
  };

  const Token& Peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool Failed() const { return !status_.ok(); }
  void Fail(const std::string& problem) {
    if (!status_.ok()) return;
    status_ =
        absl::InvalidArgumentError(absl::StrCat("template line ", Peek().line, ": ", problem));
    at_ = tokens_.size() - 1;
  }
  bool IsOperator(std::string_view text, std::size_t ahead = 0) const {
    return Peek(ahead).kind == Token::Kind::kOperator && Peek(ahead).text == text;
  }
  bool IsName(std::string_view text, std::size_t ahead = 0) const {
    return Peek(ahead).kind == Token::Kind::kName && Peek(ahead).text == text;
  }
  bool AcceptOperator(std::string_view text) {
    if (!IsOperator(text)) return false;
    ++at_;
    return true;
  }
  bool AcceptName(std::string_view text) {
    if (!IsName(text)) return false;
    ++at_;
    return true;
  }
  void ExpectOperator(std::string_view text) {
    if (!AcceptOperator(text)) Fail(absl::StrCat("expected ", std::string(text)));
  }
  void ExpectName(std::string_view text) {
    if (!AcceptName(text)) Fail(absl::StrCat("expected ", std::string(text)));
  }
  std::string TakeName() {
    if (Peek().kind != Token::Kind::kName) {
      Fail("expected a name");
      return "";
    }
    return tokens_[at_++].text;
  }
  void ExpectTagEnd() {
    if (Peek().kind != Token::Kind::kTagEnd) {
      Fail(absl::StrCat("unexpected ", Peek().text.empty() ? "end of tag" : Peek().text));
      return;
    }
    ++at_;
  }

  void CountNode() {
    if (++nodes_ > kMaxNodes)
      Fail(absl::StrCat("an expression has more than ", kMaxNodes, " parts"));
  }

  // Statements up to a tag with one of the names in `ends`, which is left as the next token.
  Block ParseBlock(std::initializer_list<std::string_view> ends) {
    const Nested nested(*this);
    Block block;
    while (!Failed() && Peek().kind != Token::Kind::kEnd) {
      if (Peek().kind == Token::Kind::kText) {
        block.push_back({.kind = Statement::Kind::kText, .text = tokens_[at_++].text});
      } else if (Peek().kind == Token::Kind::kOutputBegin) {
        Statement output{.kind = Statement::Kind::kOutput, .line = Peek().line};
        ++at_;
        nodes_ = 0;
        output.expression = ParseTuple();
        if (Peek().kind != Token::Kind::kOutputEnd) {
          Fail(absl::StrCat("unexpected ", Peek().text));
          break;
        }
        ++at_;
        block.push_back(std::move(output));
      } else {
        const std::string name = Peek(1).text;
        if (std::find(ends.begin(), ends.end(), name) != ends.end()) {
          ++at_;
          return block;
        }
        ParseStatement(block);
      }
    }
    if (ends.size() > 0) Fail(absl::StrCat("a block has no ", std::string(*ends.begin())));
    return block;
  }

  void ParseStatement(Block& block) {
    const int line = Peek().line;
    ++at_;
    const std::string name = TakeName();
    nodes_ = 0;
    Statement statement{.line = line};
    if (name == "for") {
      ParseFor(statement);
    } else if (name == "if") {
      ParseIf(statement);
    } else if (name == "set") {
      ParseSet(statement);
    } else if (name == "macro") {
      ParseMacro(statement);
    } else if (name == "filter") {
      statement.kind = Statement::Kind::kFilter;
      statement.expression = ParseFilters(MakeConstant(MakeText("")), true);
      ExpectTagEnd();
      statement.body = ParseBlock({"endfilter"});
      ExpectName("endfilter");
      ExpectTagEnd();
    } else if (name == "generation") {
      statement.kind = Statement::Kind::kBlock;
      ExpectTagEnd();
      statement.body = ParseBlock({"endgeneration"});
      ExpectName("endgeneration");
      ExpectTagEnd();
    } else if (name == "break" || name == "continue") {
      statement.kind = name == "break" ? Statement::Kind::kBreak : Statement::Kind::kContinue;
      if (loop_depth_ == 0) Fail(absl::StrCat(name, " outside a loop"));
      ExpectTagEnd();
    } else {
      Fail(absl::StrCat("tag \"", name, "\" is unknown; known are for, if, set, macro, filter, ",
                        "break, continue, raw, generation"));
    }
    if (!Failed()) block.push_back(std::move(statement));
  }

  void ParseFor(Statement& statement) {
    statement.kind = Statement::Kind::kFor;
    do {
      const bool bracket = AcceptOperator("(");
      statement.targets.push_back(TakeName());
      while (bracket && AcceptOperator(",")) statement.targets.push_back(TakeName());
      if (bracket) ExpectOperator(")");
    } while (AcceptOperator(",") && !IsName("in"));
    ExpectName("in");
    statement.expression = ParseTuple(false);
    if (AcceptName("if")) statement.condition = ParseExpression();
    if (IsName("recursive")) Fail("recursive loops are unknown");
    ExpectTagEnd();
    ++loop_depth_;
    statement.body = ParseBlock({"endfor", "else"});
    --loop_depth_;
    if (AcceptName("else")) {
      ExpectTagEnd();
      statement.otherwise = ParseBlock({"endfor"});
    }
    ExpectName("endfor");
    ExpectTagEnd();
  }

  void ParseIf(Statement& statement) {
    const Nested nested(*this);
    statement.kind = Statement::Kind::kIf;
    statement.expression = ParseTuple();
    ExpectTagEnd();
    statement.body = ParseBlock({"endif", "else", "elif"});
    if (AcceptName("elif")) {
      Statement next{.line = Peek().line};
      ParseIf(next);  // takes the endif
      statement.otherwise.push_back(std::move(next));
      return;
    }
    if (AcceptName("else")) {
      ExpectTagEnd();
      statement.otherwise = ParseBlock({"endif"});
    }
    ExpectName("endif");
    ExpectTagEnd();
  }

  void ParseSet(Statement& statement) {
    statement.kind = Statement::Kind::kSet;
    do {
      statement.targets.push_back(TakeName());
      if (AcceptOperator(".")) statement.attribute = TakeName();
    } while (AcceptOperator(","));
    if (!statement.attribute.empty() && statement.targets.size() > 1) {
      Fail("cannot set several attributes at once");
    }
    if (AcceptOperator("=")) {
      statement.expression = ParseTuple();
      ExpectTagEnd();
      return;
    }
    statement.kind = Statement::Kind::kSetBlock;
    if (statement.targets.size() > 1 || !statement.attribute.empty()) {
      Fail("a set block has one name");
    }
    if (IsOperator("|")) statement.expression = ParseFilters(MakeConstant(MakeText("")), false);
    ExpectTagEnd();
    statement.body = ParseBlock({"endset"});
    ExpectName("endset");
    ExpectTagEnd();
  }

  void ParseMacro(Statement& statement) {
    statement.kind = Statement::Kind::kMacro;
    statement.macro = std::make_unique<Macro>();
    Macro& macro = *statement.macro;
    macro.name = TakeName();
    ExpectOperator("(");
    while (!Failed() && !AcceptOperator(")")) {
      if (!macro.parameters.empty()) ExpectOperator(",");
      std::string name = TakeName();
      macro.parameters.emplace_back(std::move(name),
                                    AcceptOperator("=") ? ParseExpression() : nullptr);
    }
    ExpectTagEnd();
    const int loops = std::exchange(loop_depth_, 0);
    macro.body = ParseBlock({"endmacro"});
    loop_depth_ = loops;
    ExpectName("endmacro");
    if (Peek().kind == Token::Kind::kName) ++at_;
    ExpectTagEnd();
  }

  // expr or expr, expr, ...
  ExpressionPtr ParseTuple(bool with_condition = true) {
    auto first = with_condition ? ParseExpression() : ParseOr();
    if (!IsOperator(",")) return first;
    auto tuple = Make(Kind::kTuple);
    tuple->operands.push_back(std::move(first));
    while (!Failed() && AcceptOperator(",")) {
      const Token::Kind next = Peek().kind;
      if (next == Token::Kind::kTagEnd || next == Token::Kind::kOutputEnd || IsOperator(")")) break;
      tuple->operands.push_back(with_condition ? ParseExpression() : ParseOr());
    }
    return tuple;
  }

  ExpressionPtr ParseExpression() {
    const Nested nested(*this);
    auto expression = ParseOr();
    while (!Failed() && AcceptName("if")) {
      auto conditional = Make(Kind::kConditional);
      conditional->operands.push_back(std::move(expression));
      conditional->operands.push_back(ParseOr());
      conditional->operands.push_back(AcceptName("else") ? ParseExpression() : nullptr);
      expression = std::move(conditional);
    }
    return expression;
  }

  ExpressionPtr ParseOr() {
    auto left = ParseAnd();
    while (!Failed() && AcceptName("or")) {
      left = MakeUnary(Kind::kOr, std::move(left));
      left->operands.push_back(ParseAnd());
    }
    return left;
  }
  ExpressionPtr ParseAnd() {
    auto left = ParseNot();
    while (!Failed() && AcceptName("and")) {
      left = MakeUnary(Kind::kAnd, std::move(left));
      left->operands.push_back(ParseNot());
    }
    return left;
  }
  ExpressionPtr ParseNot() {
    const Nested nested(*this);
    if (!Failed() && AcceptName("not")) return MakeUnary(Kind::kNot, ParseNot());
    return ParseCompare();
  }

  ExpressionPtr ParseCompare() {
    auto left = ParseSum();
    auto compare = Make(Kind::kCompare);
    while (!Failed()) {
      std::string op;
      if (Peek().kind == Token::Kind::kOperator) {
        for (const std::string_view known : {"==", "!=", "<=", ">=", "<", ">"}) {
          if (Peek().text == known) op = known;
        }
      } else if (IsName("in")) {
        op = "in";
      } else if (IsName("not") && IsName("in", 1)) {
        op = "not in";
        ++at_;
      }
      if (op.empty()) break;
      ++at_;
      compare->names.push_back(std::move(op));
      compare->operands.push_back(ParseSum());
    }
    if (compare->names.empty()) return left;
    compare->operands.insert(compare->operands.begin(), std::move(left));
    return compare;
  }

  ExpressionPtr ParseBinary(std::initializer_list<std::string_view> operators,
                            ExpressionPtr (Parser::*operand)()) {
    auto left = (this->*operand)();
    while (!Failed() && Peek().kind == Token::Kind::kOperator &&
           std::find(operators.begin(), operators.end(), Peek().text) != operators.end()) {
      auto binary = MakeUnary(Kind::kBinary, std::move(left));
      binary->name = tokens_[at_++].text;
      binary->operands.push_back((this->*operand)());
      left = std::move(binary);
    }
    return left;
  }
  ExpressionPtr ParseSum() { return ParseBinary({"+", "-"}, &Parser::ParseConcat); }
  ExpressionPtr ParseConcat() { return ParseBinary({"~"}, &Parser::ParseProduct); }
  ExpressionPtr ParseProduct() { return ParseBinary({"*", "/", "//", "%"}, &Parser::ParsePower); }
  ExpressionPtr ParsePower() { return ParseBinary({"**"}, &Parser::ParseUnary); }

  ExpressionPtr ParseUnary() { return ParseSigned(true); }
  ExpressionPtr ParseSigned(bool with_filters) {
    const Nested nested(*this);
    CountNode();
    ExpressionPtr expression;
    if (Failed()) return MakeConstant({});
    if (AcceptOperator("-")) {
      expression = MakeUnary(Kind::kNegative, ParseSigned(false));
    } else if (AcceptOperator("+")) {
      expression = MakeUnary(Kind::kPositive, ParseSigned(false));
    } else {
      expression = ParsePrimary();
    }
    expression = ParsePostfix(std::move(expression));
    return with_filters ? ParseFilters(std::move(expression), false) : std::move(expression);
  }

  ExpressionPtr ParsePrimary() {
    const Token& token = Peek();
    switch (token.kind) {
      case Token::Kind::kName: {
        ++at_;
        const std::string& name = token.text;
        if (name == "true" || name == "True") return MakeConstant(MakeBool(true));
        if (name == "false" || name == "False") return MakeConstant(MakeBool(false));
        if (name == "none" || name == "None") return MakeConstant({None{}});
        auto variable = Make(Kind::kName);
        variable->name = name;
        return variable;
      }
      case Token::Kind::kString: {
        std::string text;
        while (Peek().kind == Token::Kind::kString) text += tokens_[at_++].text;
        return MakeConstant(MakeText(std::move(text)));
      }
      case Token::Kind::kInteger:
        ++at_;
        return MakeConstant(MakeInt(token.integer));
      case Token::Kind::kFloat:
        ++at_;
        return MakeConstant(MakeDouble(token.number));
      default:
        break;
    }
    if (AcceptOperator("(")) {
      if (AcceptOperator(")")) return Make(Kind::kTuple);
      auto inner = ParseTuple();
      ExpectOperator(")");
      return inner;
    }
    if (AcceptOperator("[")) {
      auto list = Make(Kind::kList);
      while (!Failed() && !AcceptOperator("]")) {
        if (!list->operands.empty()) {
          ExpectOperator(",");
          if (AcceptOperator("]")) break;
        }
        list->operands.push_back(ParseExpression());
      }
      return list;
    }
    if (AcceptOperator("{")) {
      auto dict = Make(Kind::kDict);
      while (!Failed() && !AcceptOperator("}")) {
        if (!dict->operands.empty()) {
          ExpectOperator(",");
          if (AcceptOperator("}")) break;
        }
        dict->operands.push_back(ParseExpression());
        ExpectOperator(":");
        dict->operands.push_back(ParseExpression());
      }
      return dict;
    }
    Fail(absl::StrCat("unexpected ", token.text.empty() ? "end of tag" : token.text));
    return MakeConstant({});
  }

  ExpressionPtr ParsePostfix(ExpressionPtr expression) {
    while (!Failed()) {
      CountNode();
      if (AcceptOperator(".")) {
        if (Peek().kind == Token::Kind::kInteger) {
          expression = MakeUnary(Kind::kIndex, std::move(expression));
          expression->operands.push_back(MakeConstant(MakeInt(tokens_[at_++].integer)));
          continue;
        }
        expression = MakeUnary(Kind::kAttribute, std::move(expression));
        expression->name = TakeName();
      } else if (AcceptOperator("[")) {
        expression = ParseSubscript(std::move(expression));
      } else if (IsOperator("(")) {
        expression = ParseCall(std::move(expression));
      } else {
        break;
      }
    }
    return expression;
  }

  ExpressionPtr ParseSubscript(ExpressionPtr object) {
    auto slice = MakeUnary(Kind::kSlice, std::move(object));
    int colons = 0;
    slice->operands.resize(4);
    while (!Failed() && !IsOperator("]")) {
      if (AcceptOperator(":")) {
        if (++colons > 2) Fail("a slice has three parts");
      } else {
        slice->operands[static_cast<std::size_t>(colons) + 1] = ParseTuple();
        if (!IsOperator(":") && !IsOperator("]")) break;
      }
    }
    ExpectOperator("]");
    if (colons > 0) return slice;
    if (slice->operands[1] == nullptr) Fail("an index is missing");
    slice->kind = Kind::kIndex;
    slice->operands.resize(2);
    return slice;
  }

  ExpressionPtr ParseCall(ExpressionPtr callee) {
    auto call = MakeUnary(Kind::kCall, std::move(callee));
    call->arguments = ParseArguments();
    return call;
  }

  Arguments ParseArguments() {
    const Nested nested(*this);
    Arguments arguments;
    ExpectOperator("(");
    bool first = true;
    while (!Failed() && !AcceptOperator(")")) {
      if (!first) {
        ExpectOperator(",");
        if (AcceptOperator(")")) break;
      }
      first = false;
      if (Peek().kind == Token::Kind::kName && IsOperator("=", 1)) {
        std::string name = TakeName();
        ++at_;
        arguments.named.emplace_back(std::move(name), ParseExpression());
      } else {
        arguments.positional.push_back(ParseExpression());
      }
    }
    return arguments;
  }

  // | filter and is test, in any order. With `first` the leading bar is left out.
  ExpressionPtr ParseFilters(ExpressionPtr expression, bool first) {
    while (!Failed()) {
      CountNode();
      if (std::exchange(first, false) || AcceptOperator("|")) {
        expression = MakeUnary(Kind::kFilter, std::move(expression));
        expression->name = TakeName();
        if (IsOperator("(")) expression->arguments = ParseArguments();
      } else if (AcceptName("is")) {
        expression = ParseTest(std::move(expression));
      } else if (IsOperator("(")) {
        expression = ParseCall(std::move(expression));
      } else {
        break;
      }
    }
    return expression;
  }

  ExpressionPtr ParseTest(ExpressionPtr operand) {
    const bool negated = AcceptName("not");
    auto test = MakeUnary(Kind::kTest, std::move(operand));
    test->name = TakeName();
    const Token& next = Peek();
    if (IsOperator("(")) {
      test->arguments = ParseArguments();
    } else if ((next.kind == Token::Kind::kName && next.text != "else" && next.text != "or" &&
                next.text != "and" && next.text != "is" && next.text != "if" && next.text != "in" &&
                next.text != "not") ||
               next.kind == Token::Kind::kString || next.kind == Token::Kind::kInteger ||
               next.kind == Token::Kind::kFloat || IsOperator("[") || IsOperator("{")) {
      test->arguments.positional.push_back(ParsePostfix(ParsePrimary()));
    }
    return negated ? MakeUnary(Kind::kNot, std::move(test)) : std::move(test);
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int loop_depth_ = 0;
  int nodes_ = 0;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Block> Parse(std::string_view source) {
  auto tokens = Tokenize(source);
  if (!tokens.ok()) return tokens.status();
  return Parser(*std::move(tokens)).Run();
}

}  // namespace citeseek::inference::jinja
