// controller.yaml: what is read, what is refused, and that what is printed is read again.
#include "config/controller/controller_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "config/listen.h"
#include "lines.h"

namespace backsight::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// Two lines; what is appended stands on line 3.
std::string controller_with(const Lines& more) {
  Lines lines{"queue:", "  url: file:///var/lib/backsight"};
  lines.insert(lines.end(), more.begin(), more.end());
  return text_of(lines);
}

ControllerConfig config_of(const Lines& more, const Lines& overrides = {}) {
  const auto config =
      parse_config<ControllerConfig>(controller_with(more), "/etc/b/c.yaml", overrides);
  EXPECT_TRUE(config) << as_error(config.error()).sentence;
  return config.value_or(ControllerConfig{});
}

std::string controller_faults(const std::string& text, const Lines& overrides = {}) {
  const auto config = parse_config<ControllerConfig>(text, "c.yaml", overrides);
  return config ? "none" : as_error(config.error()).sentence;
}

TEST(ControllerLoader, NeedsNothingButAQueue) {
  ControllerConfig expected;
  expected.queue.url = "file:///var/lib/backsight";
  EXPECT_TRUE(config_of({}) == expected);
  EXPECT_EQ(controller_faults(""),
            "c.yaml: queue.url: is missing; write file:///DIRECTORY, nats://HOST:4222 or "
            "tls://HOST:4222, such as file:///var/lib/backsight");
}

TEST(ControllerLoader, ReadsEveryKeyOfTheContract) {
  const ControllerConfig config = config_of({
      "listen: 0.0.0.0:80",
      "archive: archive",
      "annotation: {prefixes: pfx2as.txt, exchanges: netixlan.json, geolocation: /g/city.mmdb}",
      "aliases: aliases.txt",
      "atlas: {import: [a.json, sub/b.json], max_age: 90m}",
      "keys: keys.yaml",
      "metrics: {listen: off}",
  });
  EXPECT_EQ(config.listen, "0.0.0.0:80");
  EXPECT_EQ(config.archive, "/etc/b/archive");
  EXPECT_EQ(config.annotation.prefixes_file, "/etc/b/pfx2as.txt");
  EXPECT_EQ(config.annotation.exchanges_file, "/etc/b/netixlan.json");
  EXPECT_EQ(config.annotation.geolocation_file, "/g/city.mmdb");
  EXPECT_EQ(config.aliases_file, "/etc/b/aliases.txt");
  EXPECT_THAT(config.atlas.imports, ElementsAre("/etc/b/a.json", "/etc/b/sub/b.json"));
  EXPECT_EQ(config.atlas.max_age, 90min);
  EXPECT_EQ(config.keys_file, "/etc/b/keys.yaml");
  EXPECT_EQ(config.metrics_listen, "");
}

TEST(ControllerLoader, ReadsABrokersKeysAsTheVantagePointsDo) {
  const auto config = parse_config<ControllerConfig>(
      "queue: {url: 'nats://a:4222', credentials: c.nk, tls_ca: ca.pem, tls_cert: c.pem, "
      "tls_key: c.key, state: /s}",
      "/etc/b/c.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->queue.credentials, "/etc/b/c.nk");
  EXPECT_EQ(config->queue.tls_key, "/etc/b/c.key");
  EXPECT_EQ(config->queue.state, "/s");
  EXPECT_THAT(controller_faults(controller_with({"  tls_cert: c.pem"})),
              HasSubstr("c.yaml:3: queue.tls_cert: has no effect without queue.tls_key"));
}

TEST(ControllerLoader, TakesOverrides) {
  EXPECT_EQ(config_of({}, {"limits.max_batch=5"}).limits.max_batch, 5U);
  EXPECT_THAT(config_of({}, {"atlas.import=a,b"}).atlas.imports,
              ElementsAre("/etc/b/a", "/etc/b/b"));
  EXPECT_EQ(config_of({"deny: deny.txt"}, {"deny="}).deny_file, "");
}

TEST(ControllerLoader, ListensElsewhereOnlyWithKeys) {
  EXPECT_EQ(controller_faults(controller_with({"listen: 0.0.0.0:8080"})),
            "c.yaml:3: listen: \"0.0.0.0:8080\" is reached from elsewhere and no key is asked "
            "for; write keys: keys.yaml too, or 127.0.0.1:8080");
  EXPECT_EQ(controller_faults(controller_with({"listen: 0.0.0.0:8080", "keys: keys.yaml"})),
            "none");
  for (const char* here : {"localhost:80", "127.1.2.3:80", "'[::1]:80'"}) {
    EXPECT_EQ(controller_faults(controller_with({std::string("listen: ") + here})), "none") << here;
  }
  for (const char* elsewhere : {"128.0.0.1:80", "'[::]:80'", "localhost.example.net:80"}) {
    EXPECT_THAT(controller_faults(controller_with({std::string("listen: ") + elsewhere})),
                HasSubstr("reached from elsewhere"))
        << elsewhere;
  }
}

TEST(ControllerLoader, RefusesOnePortForTwo) {
  EXPECT_EQ(controller_faults(
                controller_with({"listen: 127.0.0.1:9465", "metrics: {listen: 127.0.0.1:9465}"})),
            "c.yaml:4: metrics.listen: \"127.0.0.1:9465\" is where the API listens; write another "
            "port, such as 127.0.0.1:9465");
}

TEST(ControllerLoader, TellsAllFaultsAtOnce) {
  EXPECT_EQ(controller_faults(controller_with({
                "listen: here",
                "atlas: {import: a.json, max_age: 24}",
                "limits:",
                "  max_batch: many",
                "  max_parallel: 5",
                "keep_results: 31d",
            })),
            "c.yaml:3: listen: \"here\" is not host:port; write host:port, such as "
            "127.0.0.1:8080\n"
            "c.yaml:4: atlas.import: \"a.json\" is not a list; write a list of paths, such as "
            "[atlas.json]\n"
            "c.yaml:4: atlas.max_age: \"24\" is not a number with s, m, h or d behind it; write a "
            "time, such as 24h\n"
            "c.yaml:6: limits.max_batch: \"many\" is not a whole number; write a number of "
            "requests, such as 10000\n"
            "c.yaml:7: limits.max_parallel: is no key; those here are max_under_way, max_batch, "
            "probes_per_second, probes_per_measurement, measurement_time, source_patience\n"
            "c.yaml:8: keep_results: \"31d\" is not within 60s..30d; write a time, such as 24h");
}

TEST(ControllerLoader, ReadsTimesInEachUnit) {
  EXPECT_EQ(config_of({"limits: {measurement_time: 600s}"}).limits.measurement_time, 10min);
  EXPECT_EQ(config_of({"keep_results: 2d"}).keep_results, 48h);
  for (const char* odd : {"0s", "601s", "-1s", "1.5h", "1h30m", "s", "1", "1 s", "1S",
                          "99999999999999999999s", "999999999d"}) {
    EXPECT_NE(controller_faults(
                  controller_with({"limits: {measurement_time: " + std::string(odd) + "}"})),
              "none")
        << odd;
  }
}

TEST(ControllerLoader, LoadsWhatItPrinted) {
  const char* const fixed = std::getenv("BACKSIGHT_SEED");
  const std::uint64_t first =
      fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::uint64_t{std::random_device{}()};
  for (std::uint64_t seed = first; seed < first + 2000; ++seed) {
    std::mt19937_64 random(seed);
    const auto draw = [&](std::uint64_t least, std::uint64_t most) {
      return std::uniform_int_distribution<std::uint64_t>(least, most)(random);
    };
    const auto name = [&] {
      constexpr std::string_view kOdd = "abnul~0159 .:,;#'\"\\/[]{}()&*!|>%@`?-_=+<$^";
      std::string drawn(1, 'x');
      for (std::size_t i = draw(0, 20); i > 0; --i) drawn += kOdd[draw(0, kOdd.size() - 1)];
      return std::filesystem::path(drawn + "x").lexically_normal();
    };
    ControllerConfig config;
    config.queue.url = "nats://me:word@a:1,[::1]:2";
    config.archive = name();
    config.state = name();
    config.keep_results = std::chrono::seconds(draw(60, 30 * 86400));
    config.keep_results_mib = draw(64, 1 << 30);
    for (std::size_t i = draw(0, 3); i > 0; --i) config.atlas.imports.push_back(name());
    config.atlas.max_age = std::chrono::minutes(draw(1, 30 * 1440));
    config.limits = {draw(1, 10'000'000), static_cast<std::uint32_t>(draw(1, 100'000)),
                     draw(0, 1'000'000'000), 7, std::chrono::seconds(draw(1, 600))};
    config.allow_bogons = draw(0, 1) == 1;
    if (draw(0, 1) == 1) {
      config.keys_file = name();
      config.listen = "[::]:" + std::to_string(draw(1, 9000));
    }
    if (draw(0, 1) == 1) config.metrics_listen = "";
    const std::string text = print_config(config);
    const auto loaded = parse_config<ControllerConfig>(text, "c.yaml");
    ASSERT_TRUE(loaded) << "BACKSIGHT_SEED=" << seed << '\n'
                        << as_error(loaded.error()).sentence << '\n'
                        << text;
    ASSERT_TRUE(*loaded == config) << "BACKSIGHT_SEED=" << seed << '\n' << text;
  }
}

TEST(Listen, TakesHostsApart) {
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(host_of("localhost:80"), "localhost");
}

}  // namespace
}  // namespace backsight::config
