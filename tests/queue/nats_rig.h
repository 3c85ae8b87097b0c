// A vantage point's queue, a producer of tasks and a consumer of results on a broker of the test's.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "queue/client.h"
#include "queue/vp_queue.h"
#include "tests/support/broker.h"

namespace backsight::queue {

inline bool eventually(const std::function<bool()>& is_so,
                       std::chrono::seconds patience = std::chrono::seconds(120)) {
  const auto ends = std::chrono::steady_clock::now() + patience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > ends) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

inline tasks::ProbeResult answer_to(const tasks::QueuedTask& task) {
  tasks::ProbeResult result;
  result.task = task.task.id;
  result.position = task.position;
  result.kind = task.task.kind;
  result.dst = task.task.dst;
  result.outcome = tasks::Outcome::kTimedOut;
  return result;
}

inline std::vector<tasks::Task> tasks_of(std::uint64_t first_id, std::size_t count) {
  std::vector<tasks::Task> tasks(count);
  for (std::size_t i = 0; i < count; ++i) {
    tasks[i].id = first_id + i;
    tasks[i].dst = {static_cast<std::uint32_t>(0xc6120000 + i)};
  }
  return tasks;
}

class NatsRig : public testing::Test {
 protected:
  void SetUp() override {
    if (!Broker::is_possible()) GTEST_SKIP() << "no nats-server";
  }

  [[nodiscard]] QueueAddress address(const Broker& broker) const {
    QueueAddress at(broker.url());
    at.spool = (broker.folder() / "spool").string();
    at.state = (broker.folder() / "state").string();
    return at;
  }

  static std::unique_ptr<VpQueue> open_vp(const QueueAddress& at, const std::string& vp = "ams01",
                                          unsigned id = 0) {
    auto queue = open_vp_queue(at, vp, id);
    EXPECT_TRUE(queue) << queue.error().sentence;
    return queue ? std::move(*queue) : nullptr;
  }

  // Takes tasks and answers each at once. Returns how many.
  std::size_t answer(VpQueue& queue) {
    std::vector<tasks::QueuedTask> tasks;
    std::vector<std::string> complaints;
    EXPECT_TRUE(queue.take(4096, tasks, complaints));
    for (std::string& it : complaints) vp_complaints_.push_back(std::move(it));
    if (tasks.empty()) return 0;
    tasks::ResultBatch batch;
    for (const tasks::QueuedTask& task : tasks) batch.probes.push_back(answer_to(task));
    EXPECT_TRUE(queue.put(batch));
    return tasks.size();
  }

  // Reads what there is, commits it, and counts how often each task was answered.
  std::size_t consume(ResultSource& source) {
    std::size_t count = 0;
    while (true) {
      auto stored = source.next(complaints_);
      EXPECT_TRUE(stored) << stored.error().sentence;
      if (!stored || !*stored) break;
      for (const auto& result : (*stored)->message.results.probes) {
        ++answers_[result.task];
        ++count;
      }
    }
    EXPECT_TRUE(source.commit());
    return count;
  }

  // Each task 1..count was answered once.
  void expect_each_once(std::size_t count) {
    EXPECT_EQ(answers_.size(), count);
    for (const auto& [task, times] : answers_) EXPECT_EQ(times, 1) << "task " << task;
  }

  std::map<std::uint64_t, int> answers_;
  std::vector<std::string> complaints_;     // the consumer's
  std::vector<std::string> vp_complaints_;  // the vantage point's
};

}  // namespace backsight::queue
