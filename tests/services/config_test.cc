#include "services/config.h"

#include <gtest/gtest.h>

namespace citeseek::services {
namespace {

TEST(Config, AnEmptyFileGivesTheDefaults) {
  const auto config = ParseConfig("", "c.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen, "127.0.0.1:7601");
  EXPECT_EQ(config->roles.size(), 4u);
  EXPECT_EQ(config->limits.workers, 16);
}

TEST(Config, EveryKeyIsRead) {
  const auto config = ParseConfig(R"(
data: /var/lib/citeseek
listen: "[::1]:7000"
metrics: 127.0.0.1:9000
log: warn
roles: [gateway, retrieval]
remotes: {gateway: g:1, retrieval: r:2, indexer: i:3, inference: n:4}
openai: {url: "http://m:8000/v1", model: r1, key_file: /run/key}
engine: {embedder: /e, reranker: /r, quantize: q4, kv_memory: 1.5GiB, threads: 3, device: cpu}
limits: {workers: 3, queue: 7, grace_s: 5, session_ttl: 36h, answer_cache: 0}
tls: {certificate: /c, key: /k, authority: /a}
http:
  listen: 127.0.0.1:8081
  tls: {certificate: /hc, key: /hk}
  cors: ["https://app.example"]
  max_body: 2MiB
  connections: 100
  keys:
    - {name: a, sha256: 00ff, expires: 2027-01-31T00:00:00Z, requests_per_minute: 6,
       tokens_per_minute: 700}
    - {name: b, sha256: 11ee}
)",
                                  "c.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "/var/lib/citeseek");
  EXPECT_EQ(config->listen, "[::1]:7000");
  EXPECT_EQ(config->metrics, "127.0.0.1:9000");
  EXPECT_EQ(config->log, "warn");
  EXPECT_EQ(config->roles, (std::set{ServiceRole::kGateway, ServiceRole::kRetrieval}));
  EXPECT_EQ(config->remotes.gateway, "g:1");
  EXPECT_EQ(config->remotes.retrieval, "r:2");
  EXPECT_EQ(config->remotes.indexer, "i:3");
  EXPECT_EQ(config->remotes.inference, "n:4");
  EXPECT_EQ(config->openai.url, "http://m:8000/v1");
  EXPECT_EQ(config->openai.model, "r1");
  EXPECT_EQ(config->openai.key_file, "/run/key");
  EXPECT_EQ(config->engine.embedder, "/e");
  EXPECT_EQ(config->engine.reranker, "/r");
  EXPECT_EQ(config->engine.quantize, "q4");
  EXPECT_EQ(config->engine.device, "cpu");
  EXPECT_EQ(config->engine.kv_memory, 1610612736);
  EXPECT_EQ(config->engine.threads, 3);
  EXPECT_EQ(config->limits.workers, 3);
  EXPECT_EQ(config->limits.queue_limit, 7u);
  EXPECT_EQ(config->limits.grace_s, 5);
  EXPECT_EQ(config->tls.certificate, "/c");
  EXPECT_EQ(config->tls.key, "/k");
  EXPECT_EQ(config->tls.authority, "/a");
  EXPECT_EQ(config->limits.session_ttl, absl::Hours(36));
  EXPECT_EQ(config->limits.answer_cache, 0);
  EXPECT_EQ(config->http.listen, "127.0.0.1:8081");
  EXPECT_EQ(config->http.tls.certificate, "/hc");
  EXPECT_EQ(config->http.tls.key, "/hk");
  EXPECT_EQ(config->http.cors, std::vector<std::string>{"https://app.example"});
  EXPECT_EQ(config->http.max_body, 2 << 20);
  EXPECT_EQ(config->http.connections, 100);
  ASSERT_EQ(config->http.keys.size(), 2u);
  EXPECT_EQ(config->http.keys[0].name, "a");
  EXPECT_EQ(config->http.keys[0].sha256, "00ff");
  EXPECT_EQ(config->http.keys[0].expires, absl::FromUnixSeconds(1801353600));
  EXPECT_EQ(config->http.keys[0].requests_per_minute, 6);
  EXPECT_EQ(config->http.keys[0].tokens_per_minute, 700);
  EXPECT_EQ(config->http.keys[1].expires, absl::InfiniteFuture());
}

struct BadConfig {
  const char* yaml;
  const char* message;
};

TEST(Config, WhatIsWrongIsNamedWithItsPlace) {
  const BadConfig cases[] = {
      {"data: x\nlissen: y\n",
       "c.yaml:2:1: unknown key 'lissen' in the configuration; allowed: data, engine, http, "
       "limits, "
       "listen, log, metrics, openai, remotes, roles, tls"},
      {"limits:\n  wrokers: 1\n",
       "c.yaml:2:3: unknown key 'wrokers' in limits; allowed: answer_cache, grace_s, model_calls, "
       "patience_s, questions, queue, session_ttl, workers"},
      {"limits:\n  workers: many\n", "c.yaml:2:12: workers is not a whole number"},
      {"limits: {workers: 0}", "c.yaml:1:19: workers 0 is not in [1, 1024]"},
      {"limits: {session_ttl: 7d}", "c.yaml:1:23: session_ttl is not a duration like 168h or 30m"},
      {"limits: {session_ttl: 5s}", "c.yaml:1:23: session_ttl 5s is less than 1m"},
      {"limits: 3", "c.yaml:1:9: limits is not a map of keys to values"},
      {"data: [x]", "c.yaml:1:7: data is not a text"},
      {"roles: gateway", "c.yaml:1:8: roles is not a list"},
      {"roles: []", "c.yaml:1:8: roles is empty"},
      {"roles: [gateway, cook]",
       "c.yaml:1:18: role 'cook' is unknown; allowed: gateway, retrieval, indexer, inference"},
      {"listen: 127.0.0.1",
       "c.yaml:1:9: listen '127.0.0.1' is not HOST:PORT with a port in [0, 65535]"},
      {"listen: a:70000",
       "c.yaml:1:9: listen 'a:70000' is not HOST:PORT with a port in [0, 65535]"},
      {"log: loud", "c.yaml:1:6: log is not one of debug, info, warn, error, off"},
      {"engine: {quantize: q6}", "c.yaml:1:20: quantize is not one of q8, q5, q4"},
      {"engine: {device: gpu}", "c.yaml:1:18: device is not one of cpu, cuda, auto"},
      {"engine: {kv_memory: big}", "c.yaml:1:21: kv_memory: size 'big' is not like 512MiB"},
      {"openai: {url: u, model: m}\nengine: {model: /m}",
       "c.yaml:2:9: openai and engine.model are two models for one answer: name one"},
      {"http: {keys: [{sha256: 00}]}", "c.yaml:1:15: a key has no name"},
      {"http: {keys: [{name: a, expires: soon}]}",
       "c.yaml:1:34: expires is not a time like 2027-01-31T00:00:00Z"},
      {"http: {cors: x}", "c.yaml:1:14: cors is not a list"},
      {"- a\n- b\n", "c.yaml:1:1: the configuration is not a map of keys to values"},
      {"data: \"open\nlisten: x", "c.yaml:2:10: "},
  };
  for (const BadConfig& bad : cases) {
    const auto config = ParseConfig(bad.yaml, "c.yaml");
    ASSERT_FALSE(config.ok()) << bad.yaml;
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(config.status().message());
    EXPECT_EQ(message.substr(0, std::string(bad.message).size()), bad.message);
  }
}

TEST(Config, AFileThatIsNotThereIsNamed) {
  EXPECT_EQ(
      ReadConfig("/nowhere/c.yaml").status(),
      absl::NotFoundError("config file /nowhere/c.yaml cannot be read: No such file or directory"));
}

TEST(Config, RolesAreACommaList) {
  EXPECT_EQ(ParseRoles("indexer,inference").value(),
            (std::set{ServiceRole::kIndexer, ServiceRole::kInference}));
  EXPECT_FALSE(ParseRoles("").ok());
  EXPECT_FALSE(ParseRoles("indexer,").ok());
}

TEST(ParseSize, UnitsArePowersOf1024) {
  for (const auto& [text, bytes] :
       {std::pair("1", 1.0), std::pair("1073741824", 1073741824.0), std::pair("512MiB", 0x1p29),
        std::pair("2G", 0x1p31), std::pair("1.5 gb", 1.5 * 0x1p30), std::pair("4 KiB", 4096.0),
        std::pair("7B", 7.0), std::pair("1T", 0x1p40)}) {
    const auto size = ParseSize(text);
    ASSERT_TRUE(size.ok()) << text << ": " << size.status();
    EXPECT_EQ(static_cast<double>(*size), bytes) << text;
  }
  for (const char* bad :
       {"", "0", "-1", "G", "1X", "1GG", "1GiBs", "1BB", "1e400", "1..2M", "9999999T"}) {
    EXPECT_FALSE(ParseSize(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace citeseek::services
