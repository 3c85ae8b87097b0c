// A queue that does what a test says, for the controller's ends of it.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/service/vp_link.h"
#include "queue/client.h"

namespace backsight::controller {

// Thread: any.
class FakeQueue {
 public:
  struct Script {
    std::string no_queue, no_source, no_put, no_next, no_commit, no_list;  // why; empty: it works
    std::string trouble;                                                   // the source's own
    bool stands_still = false;  // whoever puts waits until that is over
    std::map<std::string, std::string> statuses;
    std::map<std::string, std::string> unreadable;
  };

  // Changes what happens from now on.
  template <typename Change>
  void set(Change change) {
    {
      const std::lock_guard lock(mutex_);
      change(script_);
    }
    changed_.notify_all();
  }
  void deliver(std::size_t messages) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < messages; ++i) coming_.emplace_back();
  }

  [[nodiscard]] std::vector<tasks::Task> put() const {
    const std::lock_guard lock(mutex_);
    return put_;
  }
  [[nodiscard]] std::size_t committed() const {
    const std::lock_guard lock(mutex_);
    return committed_;
  }

  [[nodiscard]] OpenQueue opener() {
    return [this]() -> Expected<std::unique_ptr<queue::QueueClient>> {
      if (auto fault = fault_of(&Script::no_queue); !fault) return tl::unexpected(fault.error());
      return std::make_unique<Access>(*this);
    };
  }

 private:
  [[nodiscard]] Expected<void> fault_of(std::string Script::*what) const {
    const std::lock_guard lock(mutex_);
    if ((script_.*what).empty()) return {};
    return run_failed(script_.*what);
  }

  class Source final : public queue::ResultSource {
   public:
    explicit Source(FakeQueue& queue) : queue_(queue) {}
    // What was taken and not committed comes again.
    ~Source() override {
      const std::lock_guard lock(queue_.mutex_);
      for (std::size_t i = 0; i < taken_; ++i) queue_.coming_.emplace_front();
    }
    Expected<std::optional<queue::StoredResults>> next(std::vector<std::string>&) override {
      if (auto fault = queue_.fault_of(&Script::no_next); !fault) {
        return tl::unexpected(fault.error());
      }
      const std::lock_guard lock(queue_.mutex_);
      if (queue_.coming_.empty()) return std::nullopt;
      ++taken_;
      auto stored = std::move(queue_.coming_.front());
      queue_.coming_.pop_front();
      return stored;
    }
    Expected<void> commit() override {
      if (auto fault = queue_.fault_of(&Script::no_commit); !fault) return fault;
      const std::lock_guard lock(queue_.mutex_);
      queue_.committed_ += std::exchange(taken_, 0);
      return {};
    }
    std::string trouble() const override {
      const std::lock_guard lock(queue_.mutex_);
      return queue_.script_.trouble;
    }

   private:
    FakeQueue& queue_;
    std::size_t taken_ = 0;
  };

  class Access final : public queue::QueueClient {
   public:
    explicit Access(FakeQueue& queue) : queue_(queue) {}
    Expected<std::vector<std::string>> list_vps() override {
      if (auto fault = queue_.fault_of(&Script::no_list); !fault) {
        return tl::unexpected(fault.error());
      }
      const std::lock_guard lock(queue_.mutex_);
      std::vector<std::string> names;
      for (const auto& [name, text] : queue_.script_.statuses) names.push_back(name);
      for (const auto& [name, why] : queue_.script_.unreadable) names.push_back(name);
      return names;
    }
    Expected<std::string> read_status(const std::string& vp) override {
      const std::lock_guard lock(queue_.mutex_);
      const auto why = queue_.script_.unreadable.find(vp);
      if (why != queue_.script_.unreadable.end()) return run_failed(why->second);
      return queue_.script_.statuses[vp];
    }
    Expected<void> put_tasks(const std::string&, std::span<const tasks::Task> tasks) override {
      {
        std::unique_lock lock(queue_.mutex_);
        queue_.changed_.wait(lock, [&] { return !queue_.script_.stands_still; });
      }
      if (auto fault = queue_.fault_of(&Script::no_put); !fault) return fault;
      const std::lock_guard lock(queue_.mutex_);
      queue_.put_.insert(queue_.put_.end(), tasks.begin(), tasks.end());
      return {};
    }
    Expected<std::unique_ptr<queue::ResultSource>> open_source(const std::string&) override {
      if (auto fault = queue_.fault_of(&Script::no_source); !fault) {
        return tl::unexpected(fault.error());
      }
      return std::make_unique<Source>(queue_);
    }
    Expected<std::unique_ptr<queue::ResultTail>> open_tail(const std::string&) override {
      return run_failed("a test looks on at nothing");
    }

   private:
    FakeQueue& queue_;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Script script_;
  std::deque<queue::StoredResults> coming_;
  std::vector<tasks::Task> put_;
  std::size_t committed_ = 0;
};

}  // namespace backsight::controller
