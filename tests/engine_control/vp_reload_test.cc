// SIGHUP: lists and rates change while it runs, and a fault changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "process.h"
#include "queue/file/put_tasks.h"

namespace backsight::engine {
namespace {

using ::testing::HasSubstr;

class VpReload : public ::testing::Test {
 protected:
  VpReload() : vp_(fixture_.folder, {"--config", fixture_.write_config()}) {
    EXPECT_TRUE(fixture_.becomes_ready()) << vp_.said();
  }
  // Returns once the signal has had its effect.
  bool reload(const char* counter) {
    const double before = fixture_.metrics().sum(counter);
    vp_.send(SIGHUP);
    return eventually([&] { return fixture_.metrics().sum(counter) > before; });
  }
  // True if a task to 198.51.100.99 is denied.
  bool is_denied() {
    tasks::Task task;
    task.id = ++last_id_;
    task.dst = {0xc6336463};
    task.timeout_ms = 10;
    EXPECT_TRUE(queue::put_tasks(fixture_.queue_url(), "tst01", {&task, 1}));
    const Page before = fixture_.metrics();
    EXPECT_TRUE(eventually([&] {
      return fixture_.metrics().sum("results_put_total") == static_cast<double>(last_id_);
    })) << vp_.said();
    const bool is = fixture_.metrics().value("tasks_refused_total", "reason", "denied") > denied_;
    denied_ = fixture_.metrics().value("tasks_refused_total", "reason", "denied");
    return is;
  }

  VpFixture fixture_;
  VpProcess vp_;
  std::uint64_t last_id_ = 0;
  double denied_ = 0;
};

TEST_F(VpReload, TakesTheNewDenyList) {
  EXPECT_FALSE(is_denied());
  static_cast<void>(fixture_.folder.write("deny.txt", "198.51.100.0/24\n203.0.113.7\n"));
  ASSERT_TRUE(reload("reloads_total")) << vp_.said();
  EXPECT_TRUE(is_denied());
  EXPECT_THAT(vp_.said(),
              HasSubstr("info: reloaded: rates as before; 2 ranges denied; nobody enrolled\n"));
  static_cast<void>(fixture_.folder.write("deny.txt", ""));
  ASSERT_TRUE(reload("reloads_total")) << vp_.said();
  EXPECT_FALSE(is_denied());
}

TEST_F(VpReload, TakesUpAListThatWasReplacedWithoutASignal) {
  EXPECT_FALSE(is_denied());
  const auto has_moved = [&](const char* counter, double before) {
    return eventually([&] { return fixture_.metrics().sum(counter) > before; });
  };
  static_cast<void>(fixture_.folder.write("deny.txt", "198.51.100.0/24\n"));
  ASSERT_TRUE(has_moved("reloads_total", 0)) << vp_.said();
  EXPECT_TRUE(is_denied());
  EXPECT_THAT(vp_.said(), HasSubstr("info: a list was replaced: rates as before; 1 range denied"));
  // Another file in its place, and one that is no list.
  const auto other = fixture_.folder.write("other.txt", "203.0.113.7\n");
  std::filesystem::rename(std::string(other), fixture_.deny_file());
  ASSERT_TRUE(has_moved("reloads_total", 1)) << vp_.said();
  EXPECT_FALSE(is_denied());
  static_cast<void>(fixture_.folder.write("deny.txt", "no prefix\n"));
  ASSERT_TRUE(has_moved("reload_failures_total", 0)) << vp_.said();
  EXPECT_THAT(vp_.said(), HasSubstr("error: not taken up: " + fixture_.deny_file() + ":1: "));
}

TEST_F(VpReload, KeepsTheOldListWhenTheNewOneIsFaulty) {
  static_cast<void>(fixture_.folder.write("deny.txt", "198.51.100.0/24\n"));
  ASSERT_TRUE(reload("reloads_total")) << vp_.said();
  static_cast<void>(fixture_.folder.write("deny.txt", "198.51.100.300\nno prefix\n"));
  ASSERT_TRUE(reload("reload_failures_total")) << vp_.said();
  EXPECT_TRUE(is_denied());
  // Every fault, with its place.
  EXPECT_THAT(vp_.said(), HasSubstr("error: not reloaded: " + fixture_.deny_file() + ":1: "));
  EXPECT_THAT(vp_.said(), HasSubstr("error: not reloaded: " + fixture_.deny_file() + ":2: "));
  EXPECT_EQ(http(fixture_.port, "/readyz").status, 200);
  EXPECT_GE(fixture_.metrics().sum("reloads_total"), 1);
}

TEST_F(VpReload, TakesNewRatesAndNamesWhatNeedsARestart) {
  static_cast<void>(fixture_.write_config("rates: {total_pps: 77}\nallow_bogons: true\n"));
  ASSERT_TRUE(reload("reloads_total")) << vp_.said();
  EXPECT_EQ(fixture_.metrics().sum("rate_limit_pps"), 77);
  EXPECT_THAT(vp_.said(), HasSubstr("reloaded: rates.total_pps 10000 -> 77; 1 range denied; nobody "
                                    "enrolled; allow_bogons changed too and needs a restart\n"));
}

TEST_F(VpReload, KeepsTheOldRatesWhenTheNewConfigIsFaulty) {
  static_cast<void>(
      fixture_.write_config("rates: {total_pps: fast, per_destination_pps: 3}\nx: 1\n"));
  ASSERT_TRUE(reload("reload_failures_total")) << vp_.said();
  EXPECT_EQ(fixture_.metrics().sum("rate_limit_pps"), 10'000);
  EXPECT_THAT(vp_.said(), HasSubstr("rates.total_pps"));
  EXPECT_THAT(vp_.said(), HasSubstr(": x: "));
  vp_.send(SIGTERM);
  EXPECT_EQ(vp_.wait(), 0) << vp_.said();
}

}  // namespace
}  // namespace backsight::engine
