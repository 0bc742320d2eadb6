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
limits: {workers: 3, queue: 7}
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
  EXPECT_EQ(config->limits.workers, 3);
  EXPECT_EQ(config->limits.queue_limit, 7u);
}

struct BadConfig {
  const char* yaml;
  const char* message;
};

TEST(Config, WhatIsWrongIsNamedWithItsPlace) {
  const BadConfig cases[] = {
      {"data: x\nlissen: y\n",
       "c.yaml:2:1: unknown key 'lissen' in the configuration; allowed: data, limits, listen, "
       "log, metrics, openai, remotes, roles"},
      {"limits:\n  wrokers: 1\n",
       "c.yaml:2:3: unknown key 'wrokers' in limits; allowed: queue, workers"},
      {"limits:\n  workers: many\n", "c.yaml:2:12: workers is not a whole number"},
      {"limits: {workers: 0}", "c.yaml:1:19: workers 0 is not in [1, 1024]"},
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

}  // namespace
}  // namespace citeseek::services
