// keys.yaml.
#include "config/keys/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "lines.h"

namespace backsight::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAlice = "0123456789abcdef0123";
constexpr const char* kBob = "fedcba9876543210fedc";

std::string key_faults(const std::string& text) {
  const auto keys = parse_api_keys(text, "keys.yaml");
  return keys ? "none" : keys.error().sentence;
}

TEST(ApiKeys, FindsWhoseKeyItIs) {
  const auto keys = parse_api_keys(
      "keys:\n"
      "  - {key: 0123456789abcdef0123, user: alice, max_revtr_per_day: 5, max_parallel_revtr: 0}\n"
      "  - {key: fedcba9876543210fedc, user: bob}\n",
      "keys.yaml");
  ASSERT_TRUE(keys) << keys.error().sentence;
  ASSERT_NE(keys->find(kAlice), nullptr);
  EXPECT_EQ(*keys->find(kAlice), (ApiUser{"alice", 5, 0}));
  EXPECT_EQ(*keys->find(kBob), (ApiUser{"bob", 10'000, 1'000}));
  for (const char* nobody :
       {"", "0123456789abcdef012", "0123456789abcdef01234", "0123456789abcdef0124", "alice"}) {
    EXPECT_EQ(keys->find(nobody), nullptr) << nobody;
  }
}

TEST(ApiKeys, LetsAUserHaveSeveral) {
  const auto keys = parse_api_keys(
      "keys: [{key: 0123456789abcdef0123, user: a}, {key: fedcba9876543210fedc, user: a}]", "k");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->find(kAlice)->name, keys->find(kBob)->name);
}

TEST(ApiKeys, TellsAllFaultsAtOnceAndNoKey) {
  const std::string said = key_faults(
      "keys:\n"
      "  - key: short\n"
      "    user: alice\n"
      "  - key: 0123456789abcdef0123\n"
      "  - key: 0123456789abcdef0123\n"
      "    user: bob\n"
      "    max_revtr_per_day: lots\n"
      "  - alice\n"
      "  - {key: 'a key with blanks in it', user: c, limit: 3}\n");
  EXPECT_EQ(
      said,
      "keys.yaml:2: keys.0.key: has 5 characters; write 16 to 128 visible characters; \"openssl "
      "rand -hex 24\" makes a key\n"
      "keys.yaml:4: keys.1.user: is missing; write the name of whose key it is, up to 63 "
      "characters, such as alice\n"
      "keys.yaml:5: keys.2.key: stands above already; give each entry a key of its own\n"
      "keys.yaml:7: keys.2.max_revtr_per_day: \"lots\" is not a whole number; write a number of "
      "reverse traceroutes, or 0 for no limit, such as 10000\n"
      "keys.yaml:8: keys.3: is no key with its user; write \"key: ...\" and \"user: ...\"\n"
      "keys.yaml:9: keys.4.limit: is no key; those here are key, user, max_revtr_per_day, "
      "max_parallel_revtr\n"
      "keys.yaml:9: keys.4.key: holds a blank or a character that is not ASCII; write 16 to 128 "
      "visible characters; \"openssl rand -hex 24\" makes a key");
  EXPECT_THAT(said, Not(HasSubstr("0123")));
}

TEST(ApiKeys, TellsNoKeyThatHoldsAControlCharacter) {
  EXPECT_EQ(key_faults("keys: [{key: \"0123456789abcdef\\x07\", user: alice}]"),
            "keys.yaml:1: keys.0.key: holds a control character; write 16 to 128 visible "
            "characters; \"openssl rand -hex 24\" makes a key");
}

TEST(ApiKeys, RefusesAFileWithoutKeys) {
  for (const char* empty : {"", "keys:", "keys: []", "keys: alice"}) {
    EXPECT_THAT(key_faults(empty), HasSubstr("a list of keys, each with its user")) << empty;
  }
}

TEST(ApiKeys, ReadsTenThousandAtOnce) {
  std::string text = "keys:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "- {key: key-number-" + std::to_string(100'000 + i) + ", user: u}\n";
  }
  const auto keys = parse_api_keys(text, "keys.yaml");
  ASSERT_TRUE(keys);
  EXPECT_NE(keys->find("key-number-109999"), nullptr);
  EXPECT_THAT(key_faults(text + "- {key: one-key-too-many, user: u}\n"),
              HasSubstr("has 10001 keys; write 10000 at most"));
}

TEST(ApiKeys, LoadsOnlyWhatItsOwnerAloneMayRead) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "keys.yaml";
  EXPECT_THAT(load_api_keys(file).error().sentence, HasSubstr("does not exist; write one"));
  write_file(file, "keys: [{key: 0123456789abcdef0123, user: alice}]\n");
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_THAT(load_api_keys(file).error().sentence,
              HasSubstr("is open to others (mode 0640); close it with \"chmod 600"));
  EXPECT_EQ(load_api_keys(file).error().exit_code(), 2);
  ASSERT_EQ(::chmod(file.c_str(), 0400), 0);
  const auto keys = load_api_keys(file);
  ASSERT_TRUE(keys) << keys.error().sentence;
  EXPECT_EQ(keys->find(kAlice)->name, "alice");
}

TEST(ApiKeys, RefusesAFileThatIsTooLarge) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "keys.yaml";
  write_file(file, std::string((4 << 20) + 1, '#'));
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  EXPECT_THAT(load_api_keys(file).error().sentence, HasSubstr("is larger than 4194304 bytes"));
}

}  // namespace
}  // namespace backsight::config
