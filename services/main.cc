// The command line: turns arguments into one call of services/cli/commands.h.
#include <grpc/support/log.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>

#include "services/cli/commands.h"
#include "services/cli/model.h"

namespace citeseek::services {
namespace {

const std::map<std::string, retrieval::Legs> kLegs = {{"hybrid", retrieval::Legs::kHybrid},
                                                      {"lexical", retrieval::Legs::kLexical},
                                                      {"dense", retrieval::Legs::kDense}};
const std::map<std::string, gateway::Mode> kModes = {{"auto", gateway::Mode::kAuto},
                                                     {"extract", gateway::Mode::kExtract},
                                                     {"quick", gateway::Mode::kQuick},
                                                     {"deep", gateway::Mode::kDeep}};
const CLI::Range kThreadRange(1, 256);

// All options of all commands; CLI11 writes into them.
struct Options {
  GlobalOptions global;
  ServeOptions serve;
  IndexOptions index;
  SearchOptions search;
  EvalOptions eval;
  AskOptions ask;
  ConversationOptions conversation;
  ReplayOptions replay;
  CheckOptions check;
  DocumentOptions document;
  std::string model;  // a name with --openai, otherwise a path
  std::function<int()> run;
};

// Help that lists names, not the numbers behind them.
template <class T>
CLI::Option* AddChoice(CLI::App* command, const std::string& name, T& to,
                       const std::map<std::string, T>& names, const std::string& help) {
  auto* option = command->add_option_function<std::string>(
      name, [&to, &names](const std::string& value) { to = names.at(value); }, help);
  std::vector<std::string> allowed;
  for (const auto& [key, value] : names) allowed.push_back(key);
  return option->check(CLI::IsMember(allowed));
}

void AddScope(CLI::App* command, ScopeOptions& scope) {
  command->add_option("--collection", scope.collection, "Only this collection");
  command->add_option("--filter", scope.filters, "Only documents with this metadata (repeatable)")
      ->type_name("FIELD=VALUE")
      ->allow_extra_args(false);
}

void AddServing(CLI::App& app, Options& o) {
  for (auto* command : {app.add_subcommand("up", "Run everything in this process"),
                        app.add_subcommand("serve", "Run some roles, as configured")}) {
    const bool up = command->get_name() == "up";
    command->add_option("--config", o.serve.config_file, "YAML configuration file");
    command->add_option("--listen", o.serve.listen, "HOST:PORT; port 0 takes a free one");
    command->add_option("--http", o.serve.http,
                        "HOST:PORT of HTTP, or off; default of up: 127.0.0.1:8080");
    command->add_option("--metrics", o.serve.metrics, "HOST:PORT of the Prometheus page");
    command->add_option("--log", o.serve.log, "Log level on stderr")
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
    if (!up) {
      command->add_option("--roles", o.serve.roles,
                          "Comma list of gateway, retrieval, indexer, inference");
    }
    command->callback([&o, up] {
      o.run = [&o, up] { return up ? RunUp(o.global, o.serve) : RunServe(o.global, o.serve); };
    });
  }
}

void AddDocumentCommands(CLI::App& app, Options& o) {
  auto* index = app.add_subcommand("index", "Index files, folders and .jsonl files");
  index->add_option("path", o.index.paths, "Files and folders")->required();
  index->add_option("--collection", o.index.collection, "Put them into this collection");
  index->callback([&o] { o.run = [&o] { return RunIndex(o.global, o.index); }; });

  auto* get = app.add_subcommand("get", "Print a stored document");
  get->add_option("id", o.document.ids, "Document id")->required()->expected(1);
  get->add_option("--version", o.document.version, "Version; default: the newest");
  get->callback([&o] { o.run = [&o] { return RunGet(o.global, o.document); }; });

  auto* remove = app.add_subcommand("delete", "Delete documents");
  remove->add_option("id", o.document.ids, "Document ids")->required();
  remove->callback([&o] { o.run = [&o] { return RunDelete(o.global, o.document); }; });
  for (auto* command : {get, remove}) {
    command->add_option("--collection", o.document.collection, "The collection they are in");
  }

  auto* fsck = app.add_subcommand("fsck", "Prove that the index is sound");
  fsck->callback([&o] { o.run = [&o] { return RunFsck(o.global); }; });
}

void AddQueryCommands(CLI::App& app, Options& o) {
  auto* ask = app.add_subcommand("ask", "Answer a question with citations");
  ask->add_option("question", o.ask.question, "The question; -: read it from stdin")->required();
  AddChoice(ask, "--mode", o.ask.mode, kModes, "How to answer");
  ask->add_option("--top-k", o.ask.top_k, "Passages to read, in [1, 64]")->capture_default_str();
  ask->add_option("--thinking-budget", o.ask.thinking_budget,
                  "Tokens of thought before the model is made to answer; 0: as many as it likes");
  ask->add_option("--session", o.ask.session,
                  "Ask as a turn of this conversation; new: begin one, and tell its id");
  ask->add_option("--seed", o.ask.seed, "Of what the model draws; default: made up")
      ->check(CLI::Range(std::uint64_t{0}, gateway::kMaxSeed));
  gateway::Drawing& drawing = o.ask.drawing;
  ask->add_option("--temperature", drawing.temperature,
                  "In [0, 2]; 0: always the likeliest token; default: the mode's choice");
  ask->add_option("--top-p", drawing.top_p,
                  "Draw from the likeliest tokens with this share together, in [0, 1]");
  ask->add_option("--presence-penalty", drawing.presence_penalty,
                  "Of tokens that were drawn before, in [-2, 2]");
  ask->add_option("--frequency-penalty", drawing.frequency_penalty,
                  "The same for each time, in [-2, 2]");
  ask->add_option("--max-tokens", drawing.max_tokens,
                  "Of thought and answer, in [1, 131072]; default: the mode's choice")
      ->check(CLI::Range(1, gateway::kMaxAnswerTokens));
  ask->add_option("--stop", drawing.stop,
                  "The model's text ends before this; at most 4 times, each of 1 to 1024 bytes")
      ->allow_extra_args(false);
  ask->add_flag("--no-cache", o.ask.no_cache, "Make the answer anew, even if it is known");
  ask->add_flag("--follow-ups", o.ask.follow_ups,
                "Suggest further questions that the documents answer");
  AddScope(ask, o.ask.scope);
  ask->callback([&o] { o.run = [&o] { return RunAsk(o.global, o.ask); }; });

  auto* conversations = app.add_subcommand("conversations", "Conversations that are kept");
  conversations->require_subcommand(1);
  struct Action {
    const char* name;
    const char* help;
    int (*run)(const GlobalOptions&, const ConversationOptions&);
  };
  for (const Action& action :
       {Action{"list", "List them, without those of keys", RunListConversations},
        Action{"show", "Print the turns of one", RunShowConversation},
        Action{"delete", "Delete one: nothing of it is left", RunDeleteConversation}}) {
    auto* command = conversations->add_subcommand(action.name, action.help);
    const bool one = action.run != RunListConversations;
    if (one) {
      command->add_option("session", o.conversation.session, "Its id")->required();
    }
    if (action.run != RunDeleteConversation) {
      command->add_option("--limit", o.conversation.limit, "At most so many, in [1, 200]")
          ->capture_default_str();
      command->add_option("--before", o.conversation.before,
                          one ? "Turns before this one" : "Leave out so many of the newest");
    }
    command->callback(
        [&o, run = action.run] { o.run = [&o, run] { return run(o.global, o.conversation); }; });
  }

  auto* replay = app.add_subcommand("replay", "Make an answer again and tell what is not the same");
  replay
      ->add_option("receipt", o.replay.receipt,
                   "File with a line of `ask --json`, or its receipt; -: read it from stdin")
      ->required();
  replay->footer("Exit code 0: the same bytes; 3: something differs, and it is told what.");
  replay->callback([&o] { o.run = [&o] { return RunReplay(o.global, o.replay); }; });

  auto* check = app.add_subcommand(
      "check", "Tell for each sentence of a text whether the documents support it");
  check
      ->add_option("--answer", o.check.answer,
                   "File with the text, with or without markers [n]; "
                   "-: read it from stdin")
      ->required()
      ->type_name("FILE");
  check
      ->add_option("--documents", o.check.documents,
                   "Files and folders; [n] is the n-th document. Default: search the index; [n] is "
                   "line n of the list of sources at the end of the text")
      ->type_name("PATH");
  AddScope(check, o.check.scope);
  check->footer(
      "With --json one line a sentence: sentence, start, end, verdict (supported, partly, "
      "unsupported,\nunchecked: it states no fact), score, problems, citations; then one "
      "with the counts. The exit\ncode is 0 whatever was found.");
  check->callback([&o] { o.run = [&o] { return RunCheck(o.global, o.check); }; });

  auto* search = app.add_subcommand("search", "Find passages");
  auto* query = search->add_option("query", o.search.query, "The query; -: read it from stdin");
  auto* queries =
      search->add_option("--queries", o.search.queries_file, "Many: one {\"_id\",\"text\"} a line");
  auto* run = search->add_option("--run", o.search.run_file, "TREC run file to write");
  queries->needs(run)->excludes(query);
  run->needs(queries);
  AddChoice(search, "--legs", o.search.legs, kLegs, "What votes");
  search->add_option("--top-k", o.search.top_k, "Hits, in [1, 1000]")->capture_default_str();
  search->add_option("--threads", o.search.threads, "Queries at once")->check(kThreadRange);
  AddScope(search, o.search.scope);
  search->callback([&o, query, queries] {
    if (query->count() + queries->count() == 0) throw CLI::RequiredError("query or --queries");
    o.run = [&o] { return RunSearch(o.global, o.search); };
  });

  auto* eval = app.add_subcommand("eval", "Measure nDCG@10, Recall@100, MRR@10 and latency");
  eval->add_option("--queries", o.eval.queries_file, "One {\"_id\",\"text\"} a line")->required();
  eval->add_option("--qrels", o.eval.qrels_file, "Judgements, BEIR or TREC form")->required();
  AddChoice(eval, "--legs", o.eval.legs, kLegs, "What votes");
  eval->add_option("--top-k", o.eval.top_k, "Hits, in [1, 1000]")->capture_default_str();
  eval->add_option("--threads", o.eval.threads, "Queries at once")->check(kThreadRange);
  AddScope(eval, o.eval.scope);
  eval->callback([&o] { o.run = [&o] { return RunEval(o.global, o.eval); }; });
}

// Every command has one Add function here; those of `citeseek model ...` are in services/cli.
void AddCommands(CLI::App& app, Options& o) {
  app.require_subcommand(1);
  app.set_version_flag("--version", VersionText());
  app.footer("`citeseek help COMMAND` tells the options of a command.");
  app.fallthrough();
  app.add_option("--data", o.global.data,
                 "Data directory; default: $CITESEEK_HOME, else ~/.local/share/citeseek");
  app.add_option("--server", o.global.server, "HOST:PORT of a running server");
  app.add_flag("--json", o.global.json, "One JSON object a line on stdout");
  auto& engine = o.global.engine;
  app.add_option("--model", o.model,
                 "Model that answers: a Hugging Face folder or a GGUF file; with --openai its name "
                 "there");
  app.add_option("--embedder", engine.embedder, "Model that makes vectors: folder or GGUF file");
  app.add_option("--reranker", engine.reranker, "Model that orders hits: folder or GGUF file");
  app.add_option("--quantize", engine.quantize, "Keep the weights of --model in 8, 5 or 4 bits")
      ->check(CLI::IsMember({"q8", "q5", "q4"}));
  app.add_option("--threads", engine.threads, "Threads a model; default: one a processor")
      ->check(kThreadRange);
  app.add_option("--device", engine.device, "Where models run; default: auto")
      ->check(CLI::IsMember({"cpu", "cuda", "auto"}));
  app.add_option_function<std::string>(
         "--kv-memory",
         [&engine](const std::string& text) {
           const auto size = ParseSize(text);
           if (!size.ok())
             throw CLI::ValidationError("--kv-memory", std::string(size.status().message()));
           engine.kv_memory = *size;
         },
         "Memory of a model's keys and values; default: a quarter of what is free, at most 1GiB")
      ->type_name("SIZE");
  auto* openai = app.add_option("--openai", o.global.openai.url,
                                "URL of an OpenAI-compatible model server, http://HOST:PORT/v1");
  auto* key = app.add_option("--openai-key-file", o.global.openai.key_file,
                             "File with its key; default: $CITESEEK_OPENAI_KEY");
  openai->needs(app.get_option("--model"));
  key->needs(openai);
  auto& tls = o.global.tls;
  app.add_option("--tls-certificate", tls.certificate, "PEM file that this side of gRPC shows");
  app.add_option("--tls-key", tls.key, "PEM file with its key");
  app.add_option("--tls-authority", tls.authority,
                 "PEM file of the authority whose certificates the other side must show");
  AddServing(app, o);
  AddDocumentCommands(app, o);
  AddQueryCommands(app, o);
  AddModelCommands(app, o.global.json, [&o](std::function<int()> run) { o.run = std::move(run); });
  auto* doctor = app.add_subcommand("doctor", "Look at all that a start and an answer need");
  doctor->add_option("--config", o.serve.config_file, "YAML configuration file of the server");
  doctor->callback([&o] { o.run = [&o] { return RunDoctor(o.global, o.serve); }; });
  auto* version = app.add_subcommand("version", "Print the version");
  version->callback([&o] { o.run = [&o] { return RunVersion(o.global); }; });
}

int Main(int argc, char** argv) {
  // gRPC's own log repeats on stderr what we return as a status.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  CLI::App app{"CiteSeek: search your documents, get answers with exact citations", "citeseek"};
  Options options;
  AddCommands(app, options);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments[0] == "help") {  // help COMMAND... -> COMMAND... --help
    arguments.erase(arguments.begin());
    arguments.push_back("--help");
  }
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help
    std::cerr << "citeseek: " << error.what() << "\n";
    return kWrongUsage;
  }
  GlobalOptions& global = options.global;
  (global.openai.url.empty() ? global.engine.model : global.openai.model) = options.model;
  return options.run();
}

}  // namespace
}  // namespace citeseek::services

int main(int argc, char** argv) { return citeseek::services::Main(argc, argv); }
