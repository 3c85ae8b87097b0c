// Something that fails over and over, told to the operator once when it begins and once when it
// ends.
// Thread: any.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace backsight::daemon {

// Sentences for the operator, one at a time, from whichever thread.
class Teller {
 public:
  explicit Teller(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

  void operator()(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    if (tell_) tell_(sentence);
  }

 private:
  std::mutex mutex_;
  std::function<void(const std::string&)> tell_;
};

class Trouble {
 public:
  // `works_again` is told when it ends.
  Trouble(Teller& tell, std::string works_again)
      : tell_(tell), works_again_(std::move(works_again)) {}

  void failed(std::string sentence) {
    {
      const std::lock_guard lock(mutex_);
      const bool is_news = sentence_.empty();
      sentence_ = sentence;
      if (!is_news) return;
    }
    tell_(sentence);
  }
  void worked() {
    {
      const std::lock_guard lock(mutex_);
      if (sentence_.empty()) return;
      sentence_.clear();
    }
    tell_(works_again_);
  }
  // Empty: all is well.
  [[nodiscard]] std::string sentence() const {
    const std::lock_guard lock(mutex_);
    return sentence_;
  }

 private:
  Teller& tell_;
  std::string works_again_;
  mutable std::mutex mutex_;
  std::string sentence_;
};

}  // namespace backsight::daemon
