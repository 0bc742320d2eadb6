// The real objects, asked directly and through gRPC: same values, same codes, same messages.
#include <nlohmann/json.hpp>

#include "inference/embedder.h"
#include "inference/reranker.h"
#include "retrieval/hybrid_retriever.h"
#include "services/cli/json.h"
#include "services/gateway/client.h"
#include "services/gateway/server.h"
#include "services/indexer/client.h"
#include "services/indexer/server.h"
#include "services/inference/client.h"
#include "services/inference/openai_client.h"
#include "services/inference/server.h"
#include "services/retrieval/client.h"
#include "services/retrieval/server.h"
#include "tests/contract/contract.h"
#include "tests/support/openai_server.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

using indexer::Document;
using indexer::DocumentKey;
using Json = nlohmann::json;

const std::string kBroken = "ab\xff";

std::vector<Document> Corpus() {
  return {{.id = "wombat.txt",
           .title = "Wombats",
           .uri = "file:///wombat.txt",
           .text = "Wombats dig burrows 30 m long. They eat grass at night.",
           .metadata = {{"year", "2020"}}},
          {.id = "quoll", .text = "Quolls climb trees. A quoll weighs 4.5 kg."},
          {.id = "袋熊", .collection = "动物", .text = "袋熊会挖三十米长的地洞，主要吃草。"},
          {.id = "twice", .collection = "a", .text = "A note on burrows."},
          {.id = "twice", .collection = "b", .text = "Another note on burrows."}};
}

// Thinks and cites; an odd key is refused, and "hang" in the question hangs.
ServerReply Answer(const SeenRequest& request) {
  if (request.authorization != "Bearer secret") {
    ServerReply refused;
    refused.status = 401;
    refused.content_type = "application/json";
    refused.chunks = {{.bytes = R"({"error":{"message":"Incorrect API key"}})", .delay = {}}};
    return refused;
  }
  ServerReply reply =
      GoodReply({"<think>Let me ", "see.</think>", "They eat grass [1", "].", " 好"});
  if (request.body.find("hang") != std::string::npos) {
    reply.chunks.resize(1);
    reply.end = ServerReply::End::kSilent;
  }
  return reply;
}

class RealContract : public ::testing::Test {
 protected:
  struct Doors {
    inference::Embedder* embedder;
    inference::Reranker* reranker;
    inference::Generator* generator;
    indexer::Indexer* indexer;
    retrieval::Retriever* retriever;
    gateway::Answerer* answerer;
  };

  RealContract() {
    const std::string index = directory_.path() / "index";
    indexer_ = indexer::OpenIndexer({.directory = index,
                                     .analyzer = analyzer_.get(),
                                     .embedder = embedder_.get(),
                                     .commit_interval = absl::Hours(1)})
                   .value();
    const std::vector<Document> documents = Corpus();
    const auto added = indexer_->Add({.documents = documents});
    for (const auto& result : added.value()) {
      EXPECT_TRUE(result.status.ok()) << result.status;
    }
    EXPECT_TRUE(indexer_->Commit({}).ok());
    snapshots_ = indexer::OpenSnapshotSource(index).value();
    retriever_ = retrieval::MakeHybridRetriever(
        {.snapshots = snapshots_.get(), .analyzer = analyzer_.get(), .embedder = embedder_.get()});
    answerer_ = gateway::MakeAnswerer({.retriever = retriever_.get(),
                                       .generator = generator_.get(),
                                       .analyzer = analyzer_.get()});
    services_.push_back(services::MakeInferenceServer({.generator = generator_.get(),
                                                       .generator_name = [] { return "m"; },
                                                       .embedder = embedder_.get(),
                                                       .reranker = reranker_.get()},
                                                      {}));
    services_.push_back(services::MakeIndexerServer(indexer_.get(), {}));
    services_.push_back(services::MakeRetrievalServer(retriever_.get(), {}));
    services_.push_back(services::MakeGatewayServer(answerer_.get(), {}));
    std::vector<grpc::Service*> all;
    for (const auto& service : services_) all.push_back(service.get());
    server_ = std::make_unique<GrpcServer>(all);
    const auto& channel = server_->channel();
    clients_ = services::ConnectInference(channel, absl::Now() + absl::Seconds(20)).value();
    indexer_client_ = services::ConnectIndexer(channel);
    retriever_client_ = services::ConnectRetriever(channel);
    answerer_client_ = services::ConnectAnswerer(channel);
    local_ = {embedder_.get(), reranker_.get(),  generator_.get(),
              indexer_.get(),  retriever_.get(), answerer_.get()};
    remote_ = {clients_.embedder.get(), clients_.reranker.get(), clients_.generator.get(),
               indexer_client_.get(),   retriever_client_.get(), answerer_client_.get()};
  }

  std::unique_ptr<inference::Generator> Model(std::string key) const {
    return services::ConnectOpenAi({.url = model_.url(), .model = "m", .api_key = std::move(key)})
        .value();
  }

  // The call fails, and with the same status, through both doors.
  void ExpectSameError(absl::StatusCode code,
                       const std::function<absl::Status(const Doors&)>& call) const {
    const absl::Status direct = call(local_);
    EXPECT_EQ(direct.code(), code) << direct;
    EXPECT_EQ(call(remote_), direct);
  }

  // The call runs into a deadline, and the same message comes out of both doors. A busy machine
  // may eat the reserve in which the server's message travels: of a few tries one must do.
  void ExpectSameDeadlineError(
      const std::function<absl::Status(const Doors&, absl::Time)>& call) const {
    const auto deadline = [] { return absl::Now() + absl::Milliseconds(300); };
    const absl::Status direct = call(local_, deadline());
    EXPECT_EQ(direct.code(), absl::StatusCode::kDeadlineExceeded) << direct;
    absl::Status remote;
    for (int i = 0; i < 5 && remote != direct; ++i) {
      remote = call(remote_, deadline());
      ASSERT_EQ(remote.code(), absl::StatusCode::kDeadlineExceeded) << remote;
    }
    EXPECT_EQ(remote, direct);
  }

  const TempDirectory directory_;
  OpenAiServer model_{Answer};
  std::unique_ptr<inference::Embedder> embedder_ = inference::MakeHashingEmbedder();
  std::unique_ptr<inference::Reranker> reranker_ = inference::MakeCoverageReranker();
  std::unique_ptr<inference::Generator> generator_ = Model("secret");
  std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  std::unique_ptr<indexer::Indexer> indexer_;
  std::unique_ptr<indexer::SnapshotSource> snapshots_;
  std::unique_ptr<retrieval::Retriever> retriever_;
  std::unique_ptr<gateway::Answerer> answerer_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<GrpcServer> server_;
  services::InferenceClients clients_;
  std::unique_ptr<indexer::Indexer> indexer_client_;
  std::unique_ptr<retrieval::Retriever> retriever_client_;
  std::unique_ptr<gateway::Answerer> answerer_client_;
  Doors local_, remote_;
};

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST_F(RealContract, EmbeddingsAndScoresAreTheSameFloats) {
  std::vector<std::string> texts = {"Wombats dig", "", "袋熊吃什么？", std::string(5000, 'x')};
  for (int i = 0; i < 1100; ++i) texts.push_back("text " + std::to_string(i));
  EXPECT_EQ(remote_.embedder->Name(), local_.embedder->Name());
  EXPECT_EQ(remote_.reranker->Name(), local_.reranker->Name());
  const auto columns = static_cast<std::size_t>(local_.embedder->Dimension());
  ASSERT_EQ(remote_.embedder->Dimension(), local_.embedder->Dimension());
  for (const auto kind : {inference::EmbedKind::kQuery, inference::EmbedKind::kPassage}) {
    std::vector<float> direct(texts.size() * columns), remote(direct.size(), 9.0f);
    ASSERT_TRUE(local_.embedder->Embed({.texts = texts, .kind = kind}, direct).ok());
    ASSERT_TRUE(remote_.embedder->Embed({.texts = texts, .kind = kind}, remote).ok());
    EXPECT_EQ(remote, direct);
  }
  std::vector<float> direct(texts.size()), remote(texts.size(), 9.0f);
  ASSERT_TRUE(local_.reranker->Score({.query = "wombats text 7", .passages = texts}, direct).ok());
  ASSERT_TRUE(remote_.reranker->Score({.query = "wombats text 7", .passages = texts}, remote).ok());
  EXPECT_EQ(remote, direct);
}

TEST_F(RealContract, WhatScoringRefusesIsRefusedInTheSameWords) {
  const std::vector<std::string> good = {"a", "b"}, bad = {"a", kBroken};
  const auto columns = static_cast<std::size_t>(local_.embedder->Dimension());
  std::vector<float> out(2 * columns);
  ExpectSameError(kInvalid, [&](const Doors& doors) {
    return doors.embedder->Embed({.texts = good}, std::span(out).first(5));
  });
  ExpectSameError(kInvalid,
                  [&](const Doors& doors) { return doors.embedder->Embed({.texts = bad}, out); });
  const std::span<float> two = std::span(out).first(2);
  ExpectSameError(kInvalid, [&](const Doors& doors) {
    return doors.reranker->Score({.query = "q", .passages = good}, out);
  });
  ExpectSameError(kInvalid, [&](const Doors& doors) {
    return doors.reranker->Score({.query = kBroken, .passages = good}, two);
  });
  ExpectSameError(kInvalid, [&](const Doors& doors) {
    return doors.reranker->Score({.query = "q", .passages = bad}, two);
  });
}

TEST_F(RealContract, TheModelSaysTheSame) {
  const auto talk = [](inference::Generator& generator) {
    std::string all;
    const auto finish = generator.Generate(
        {.messages = {{inference::Role::kUser, "What do they eat?"}}},
        [&](const inference::Piece& piece) {
          all += (piece.kind == inference::Piece::Kind::kThought ? "(" : "") + piece.text + "|";
          return true;
        });
    EXPECT_TRUE(finish.ok()) << finish.status();
    if (!finish.ok()) return all;
    return all + std::to_string(finish->prompt_tokens) + "+" +
           std::to_string(finish->completion_tokens) + " " + finish->model +
           (finish->reason == inference::FinishReason::kStop ? " stop" : " length");
  };
  const std::string direct = talk(*local_.generator);
  EXPECT_EQ(direct, "<think>Let me |see.</think>|They eat grass [1|].| 好|11+7 test-model stop");
  EXPECT_EQ(talk(*remote_.generator), direct);
}

TEST_F(RealContract, TheModelFailsTheSame) {
  const auto take_all = [](const inference::Piece&) { return true; };
  ExpectSameError(kInvalid, [&](const Doors& doors) {
    return doors.generator->Generate({}, take_all).status();
  });
  ExpectSameDeadlineError([&](const Doors& doors, absl::Time deadline) {
    return doors.generator
        ->Generate({.messages = {{inference::Role::kUser, "hang"}}, .deadline = deadline}, take_all)
        .status();
  });
  generator_ = nullptr;  // nobody uses the model with the right key any more
  const auto refused = Model("wrong");
  const auto service = services::MakeInferenceServer(
      {.generator = refused.get(), .generator_name = [] { return "m"; }}, {});
  GrpcServer server({service.get()});
  const auto client =
      services::ConnectInference(server.channel(), absl::Now() + absl::Seconds(20)).value();
  const inference::GenerateRequest request = {.messages = {{inference::Role::kUser, "x"}}};
  const absl::Status direct = refused->Generate(request, take_all).status();
  EXPECT_EQ(direct.code(), absl::StatusCode::kUnauthenticated) << direct;
  EXPECT_EQ(client.generator->Generate(request, take_all).status(), direct);
}

TEST_F(RealContract, DocumentsAndStatsAreTheSame) {
  const std::vector<DocumentKey> keys = {
      {"wombat.txt", ""}, {"wombat.txt", "default"}, {"袋熊", ""}, {"twice", "b"}};
  for (const DocumentKey& key : keys) {
    const auto direct = local_.indexer->Get({.key = key});
    const auto remote = remote_.indexer->Get({.key = key});
    ASSERT_TRUE(direct.ok() && remote.ok()) << direct.status() << remote.status();
    EXPECT_EQ(services::DocumentJson(*remote), services::DocumentJson(*direct));
  }
  const auto direct = local_.indexer->Stats(), remote = remote_.indexer->Stats();
  ASSERT_TRUE(direct.ok() && remote.ok()) << direct.status() << remote.status();
  EXPECT_EQ(direct->documents, 5u);
  EXPECT_EQ(remote->documents, direct->documents);
  EXPECT_EQ(remote->generation, direct->generation);
  EXPECT_EQ(remote->passages, direct->passages);
  EXPECT_EQ(remote->segments, direct->segments);
  EXPECT_EQ(remote->text_bytes, direct->text_bytes);
  EXPECT_EQ(remote->embedder, direct->embedder);
  EXPECT_GT(remote->bytes_on_disk, 0u);
}

TEST_F(RealContract, AddAndDeleteGiveEachItemTheSameStatus) {
  std::vector<Document> documents = {{.id = "new", .text = "x"},
                                     {.id = "", .text = "x"},
                                     {.id = "b", .text = kBroken},
                                     {.id = "c", .collection = "", .text = "x"},
                                     {.id = std::string(600, 'i'), .text = "x"},
                                     {.id = "d", .text = "x", .metadata = {{"k", kBroken}}},
                                     {.id = "last", .text = "y"}};
  documents.push_back({.id = "e", .text = std::string(indexer::kMaxTextBytes + 1, 'x')});
  const auto direct = local_.indexer->Add({.documents = documents});
  const auto remote = remote_.indexer->Add({.documents = documents});
  ASSERT_TRUE(direct.ok() && remote.ok()) << direct.status() << remote.status();
  ASSERT_EQ(remote->size(), documents.size());
  std::uint64_t version = 0;
  for (const auto* results : {&*direct, &*remote}) {
    for (std::size_t i = 0; i < results->size(); ++i) {
      EXPECT_EQ((*results)[i].status, (*direct)[i].status) << i;
      EXPECT_EQ((*results)[i].status.ok(), i == 0 || i == 6) << (*results)[i].status;
      if (!(*results)[i].status.ok()) continue;
      EXPECT_GT((*results)[i].version, version);
      version = (*results)[i].version;
    }
  }

  std::string long_id;
  for (int i = 0; i < 200; ++i) long_id += "袋";
  const std::vector<DocumentKey> keys = {{"twice", ""},       {"nobody", ""}, {"", ""},
                                         {kBroken, ""},       {"x", kBroken}, {long_id, ""},
                                         {"twice", "nowhere"}};
  const auto deleted = local_.indexer->Delete({.keys = keys});
  const auto deleted_remote = remote_.indexer->Delete({.keys = keys});
  ASSERT_TRUE(deleted.ok() && deleted_remote.ok()) << deleted.status() << deleted_remote.status();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_FALSE((*deleted)[i].status.ok()) << i;
    EXPECT_EQ((*deleted_remote)[i].status, (*deleted)[i].status) << i;
    EXPECT_EQ(remote_.indexer->Get({.key = keys[i]}).status(),
              local_.indexer->Get({.key = keys[i]}).status());
  }
  const DocumentKey quoll = {"quoll", ""};
  EXPECT_TRUE((*remote_.indexer->Delete({.keys = {&quoll, 1}}))[0].status.ok());
  ExpectSameError(absl::StatusCode::kNotFound,
                  [&](const Doors& doors) { return doors.indexer->Get({.key = quoll}).status(); });
  ExpectSameError(absl::StatusCode::kNotFound, [&](const Doors& doors) {
    return doors.indexer->Get({.key = {"wombat.txt", ""}, .version = 99}).status();
  });
  const auto generation = remote_.indexer->Commit({});
  ASSERT_TRUE(generation.ok()) << generation.status();
  EXPECT_EQ(*local_.indexer->Commit({}), *generation);
  const auto found = remote_.retriever->Search({.text = "quoll", .min_generation = *generation});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->hits.empty() || found->hits[0].document_id != "quoll");
}

TEST_F(RealContract, HitsAreTheSame) {
  using retrieval::Legs;
  std::vector<retrieval::Query> queries;
  for (const auto legs : {Legs::kHybrid, Legs::kLexical, Legs::kDense}) {
    for (const char* text : {"burrows", "袋熊吃什么", "zyxwv", "quoll trees grass"}) {
      queries.push_back({.text = text, .top_k = 3, .legs = legs});
    }
  }
  queries.push_back({.text = "burrows", .collection = "a"});
  queries.push_back({.text = "burrows", .filters = {{"year", "2020"}}});
  queries.push_back({.text = "burrows", .filters = {{"year", "1999"}}});
  std::size_t hits = 0;
  for (const retrieval::Query& query : queries) {
    const auto direct = local_.retriever->Search(query), remote = remote_.retriever->Search(query);
    ASSERT_TRUE(direct.ok() && remote.ok()) << direct.status() << remote.status();
    EXPECT_EQ(remote->generation, direct->generation);
    EXPECT_EQ(remote->degraded, direct->degraded);
    ASSERT_EQ(remote->hits.size(), direct->hits.size());
    for (std::size_t i = 0; i < direct->hits.size(); ++i, ++hits) {
      EXPECT_EQ(services::HitJson(remote->hits[i], i), services::HitJson(direct->hits[i], i));
    }
  }
  EXPECT_GT(hits, 15u);
}

TEST_F(RealContract, WhatSearchRefusesIsRefusedInTheSameWords) {
  for (const retrieval::Query& query :
       std::vector<retrieval::Query>{{.text = ""},
                                     {.text = std::string(1 << 20, 'q')},
                                     {.text = "x", .top_k = 0},
                                     {.text = "x", .top_k = 1000000},
                                     {.text = kBroken},
                                     {.text = "x", .collection = kBroken},
                                     {.text = "x", .filters = {{kBroken, "v"}}},
                                     {.text = "x", .filters = {{"year", kBroken}}}}) {
    ExpectSameError(kInvalid,
                    [&](const Doors& doors) { return doors.retriever->Search(query).status(); });
  }
  ExpectSameDeadlineError([](const Doors& doors, absl::Time deadline) {
    return doors.retriever->Search({.text = "x", .min_generation = 1000, .deadline = deadline})
        .status();
  });
}

TEST_F(RealContract, ASearchThatWaitsForAGenerationIsCancelledWithin100Ms) {
  for (const Doors& doors : {local_, remote_}) {
    const Lateness lateness;
    std::stop_source stop;
    absl::Time stopped;
    std::jthread stopper([&] {
      stopped = absl::Now();
      stop.request_stop();
    });
    const auto found =
        doors.retriever->Search({.text = "x", .min_generation = 1000, .stop = stop.get_token()});
    const absl::Time returned = absl::Now();
    stopper.join();
    EXPECT_EQ(found.status().code(), absl::StatusCode::kCancelled) << found.status();
    EXPECT_LT(returned - stopped, Within100Ms(lateness));
  }
}

// The events as JSON, adjacent deltas joined, without what differs from call to call.
std::string Told(gateway::Answerer& answerer, const gateway::Question& question) {
  Json all = Json::array();
  const auto answer = answerer.Ask(question, [&](const gateway::Event& event) {
    Json json = Json::parse(services::EventJson(event));
    json.erase("request_id");
    if (json.contains("receipt")) {
      for (const char* field : {"request_id", "total_ms"}) json["receipt"].erase(field);
      for (Json& stage : json["receipt"]["stages"]) stage.erase("ms");
    }
    all.push_back(json);
    return true;
  });
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(all.back().value("answer", ""), answer.ok() ? answer->text : "");
  return all.dump();
}

TEST_F(RealContract, AnswersAreTheSameEventForEvent) {
  for (const auto mode : {gateway::Mode::kExtract, gateway::Mode::kQuick, gateway::Mode::kDeep}) {
    for (const char* text : {"What do wombats eat?", "袋熊吃什么？", "zyxwv qqqq?",
                             "Which is larger, 9.11 or 9.90?"}) {
      const gateway::Question question = {.text = text, .mode = mode, .seed = 7};
      const std::string direct = Told(*local_.answerer, question);
      EXPECT_EQ(Told(*remote_.answerer, question), direct);
      EXPECT_NE(direct.find("finished"), std::string::npos);
    }
  }
}

TEST_F(RealContract, AChecksReportIsTheSame) {
  const std::string text =
      "Wombats dig burrows 30 m long [1]. A quoll weighs 9 kg [2]. 袋熊主要吃草。";
  for (const auto& documents : {std::vector<Document>{}, Corpus()}) {
    const auto direct = local_.answerer->Check({.text = text, .documents = documents});
    const auto remote = remote_.answerer->Check({.text = text, .documents = documents});
    ASSERT_TRUE(direct.ok() && remote.ok()) << direct.status() << remote.status();
    EXPECT_EQ(services::CheckJson(text, *remote), services::CheckJson(text, *direct));
    ASSERT_EQ(direct->sentences.size(), 3u);
    EXPECT_EQ(direct->sentences[0].verdict, gateway::Verdict::kSupported);
    EXPECT_EQ(direct->sentences[1].verdict, gateway::Verdict::kUnsupported);
    EXPECT_EQ(direct->sentences[2].verdict, gateway::Verdict::kSupported);
  }
}

TEST_F(RealContract, WhatCheckRefusesIsRefusedInTheSameWords) {
  for (const gateway::CheckRequest& request : std::vector<gateway::CheckRequest>{
           {.text = ""},
           {.text = " \n"},
           {.text = kBroken},
           {.text = std::string((1 << 20) + 1, 'x')},
           {.text = "x", .documents = {{.id = "", .text = "x"}}},
           {.text = "x", .documents = {{.id = "a", .text = kBroken}}},
           {.text = "x", .collection = kBroken}}) {
    ExpectSameError(kInvalid,
                    [&](const Doors& doors) { return doors.answerer->Check(request).status(); });
  }
}

TEST_F(RealContract, WhatAskRefusesIsRefusedInTheSameWords) {
  const auto take_all = [](const gateway::Event&) { return true; };
  for (const gateway::Question& question :
       std::vector<gateway::Question>{{.text = ""},
                                      {.text = " \n"},
                                      {.text = std::string(1 << 20, 'q')},
                                      {.text = "x", .top_k = 0},
                                      {.text = "x", .top_k = 1000000},
                                      {.text = kBroken},
                                      {.text = "x", .collection = kBroken}}) {
    ExpectSameError(kInvalid, [&](const Doors& doors) {
      return doors.answerer->Ask(question, take_all).status();
    });
  }
  ExpectSameDeadlineError([&](const Doors& doors, absl::Time deadline) {
    return doors.answerer
        ->Ask({.text = "x", .min_generation = 1000, .deadline = deadline}, take_all)
        .status();
  });
}

}  // namespace
}  // namespace citeseek::testing
