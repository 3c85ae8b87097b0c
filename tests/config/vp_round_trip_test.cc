// What is printed, loaded again, is the same; and the shipped files are what is printed.
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <random>

#include "config/lists/deny_list.h"
#include "lines.h"

namespace backsight::config {
namespace {

// Draws configs that a loader may give.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  VpConfig config() {
    VpConfig config;
    config.name = text("abcxyz0189-", 1, 63);
    config.id = number<std::uint16_t>(1, 65535);
    for (std::size_t i = number<std::size_t>(1, 4); i > 0; --i) {
      config.ports.push_back(port(config.ports.size()));
    }
    config.engine = engine();
    config.rates = {number(1, 1'000'000'000), number(0, 1'000'000'000), number(0, 9), 0,
                    number(0, 1'000'000'000)};
    config.enrolled_file = maybe() ? path() : "";
    config.deny_file = maybe() ? path() : "";
    config.allow_bogons = maybe();
    config.capture_socket = maybe() ? path() : "";
    config.log_format = static_cast<LogFormat>(number(0, 1));
    config.key_file = path();
    config.queue = queue();
    if (maybe()) {
      config.metrics_listen = maybe() ? "" : "host" + std::to_string(number(0, 9)) + ":1";
      config.metrics_listen_is_default = false;
    }
    return config;
  }

 private:
  VpQueueConfig queue() {
    VpQueueConfig queue;
    queue.url = maybe() ? "file:///" + any_text() : maybe() ? "nats://me:word@a:1,[::1]:2" : "";
    queue.credentials = maybe() ? path() : "";
    queue.tls_ca = maybe() ? path() : "";
    if (maybe()) {
      queue.tls_cert = path();
      queue.tls_key = path();
    }
    if (maybe()) queue.spool = path();
    queue.spool_limit_mib = number(1, std::uint64_t{1} << 30);
    return queue;
  }

  template <typename Number = std::uint64_t>
  Number number(std::uint64_t least, std::uint64_t most) {
    return static_cast<Number>(std::uniform_int_distribution<std::uint64_t>(least, most)(random_));
  }
  bool maybe() { return number(0, 1) == 1; }

  std::string text(std::string_view alphabet, std::size_t least, std::size_t most) {
    std::string drawn;
    for (std::size_t i = number(least, most); i > 0; --i) {
      drawn += alphabet[number<std::size_t>(0, alphabet.size() - 1)];
    }
    return drawn;
  }
  // All that YAML might take for something else.
  std::string any_text() {
    return text("abnul~0159 .:,;#'\"\\/[]{}()&*!|>%@`?-_=+<$^\xc3\xa4", 1, 20);
  }
  std::filesystem::path path() {
    std::string name = any_text();
    std::erase_if(name, [](char c) { return c == '\xc3' || c == '\xa4'; });
    return std::filesystem::path("a" + name + (maybe() ? "z" : "\xc3\xa4")).lexically_normal();
  }

  PortConfig port(std::size_t index) {
    PortConfig port;
    port.device = "net_" + std::to_string(index) + (maybe() ? "," + text("abc=_./:-", 1, 9) : "");
    port.prefix_length = number<std::uint8_t>(8, 30);
    port.address.value = (10U + static_cast<std::uint32_t>(index)) << 24 | 1;
    if (maybe()) {
      port.gateway = probes::Ipv4Addr{port.address.value + 1};
      if (maybe()) {
        port.on_link = maybe();
        port.gateway_mac = probes::MacAddr{{2, number<std::uint8_t>(0, 255), 3, 4, 5, 6}};
      }
    }
    port.answers = static_cast<PortConfig::Answers>(number(0, 2));
    port.rx_descriptors = number<std::uint16_t>(0, 32768);
    port.tx_descriptors = number<std::uint16_t>(0, 32768);
    return port;
  }

  EngineConfig engine() {
    EngineConfig engine;
    engine.workers = {number<unsigned>(0, 511), number<unsigned>(512, 1023)};
    engine.control = number<unsigned>(0, 1023);
    engine.idle = static_cast<EngineConfig::Idle>(number(0, 1));
    engine.hugepages = static_cast<EngineConfig::Hugepages>(number(0, 2));
    engine.inflight = 1U << number(6, 26);
    engine.waiting = number<std::uint32_t>(64, 1U << 24);
    engine.traces = number<std::uint32_t>(1, 1U << 20);
    engine.telemetry = maybe();
    for (std::size_t i = number(0, 3); i > 0; --i) {
      engine.arguments.push_back(text("abnul~0159 .:,;#'\"\\/[]{}()&*!|>%@`?-_=+<$^", 1, 20));
    }
    return engine;
  }

  std::mt19937_64 random_;
};

TEST(VpRoundTrip, LoadsWhatItPrinted) {
  const char* const fixed = std::getenv("BACKSIGHT_SEED");
  const std::uint64_t first =
      fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::uint64_t{std::random_device{}()};
  for (std::uint64_t seed = first; seed < first + 2000; ++seed) {
    const VpConfig config = Dice(seed).config();
    const std::string text = print_config(config);
    const auto loaded = parse_config<VpConfig>(text, "vp.yaml");
    ASSERT_TRUE(loaded) << "BACKSIGHT_SEED=" << seed << '\n'
                        << as_error(loaded.error()).sentence << '\n'
                        << text;
    ASSERT_EQ(print_config(*loaded), text) << "BACKSIGHT_SEED=" << seed;
    ASSERT_TRUE(*loaded == config) << "BACKSIGHT_SEED=" << seed << '\n' << text;
  }
}

TEST(VpRoundTrip, KeepsTextsThatYamlTakesForNothing) {
  for (const std::string text : {"null", "Null", "NULL", "~", "nullx", "-", "a:", "a b", "a #b"}) {
    VpConfig config = parse_config<VpConfig>(with({}), "vp.yaml").value();
    config.deny_file = text;
    config.engine.arguments = {text};
    const auto loaded = parse_config<VpConfig>(print_config(config), "vp.yaml");
    ASSERT_TRUE(loaded) << text;
    EXPECT_EQ(loaded->deny_file, text);
    EXPECT_EQ(loaded->engine.arguments, Lines{text});
  }
}

TEST(VpRoundTrip, PrintsAbsentKeysAsComments) {
  const std::string text = print_config(parse_config<VpConfig>(with({}), "vp.yaml").value());
  EXPECT_NE(text.find("\n    # gateway: 192.0.2.1 "), text.npos) << text;
  EXPECT_NE(text.find("\n# deny: deny.txt "), text.npos) << text;
  EXPECT_NE(text.find("\n  # listen: 127.0.0.1:9464 "), text.npos) << text;
}

}  // namespace
}  // namespace backsight::config
