#include "controller/running/batch_book.h"

#include <algorithm>

namespace backsight::controller {

namespace {

std::int64_t today() {
  return std::chrono::duration_cast<std::chrono::hours>(
             std::chrono::system_clock::now().time_since_epoch())
             .count() /
         24;
}

}  // namespace

void BatchBook::begin(std::uint64_t id, const std::string& user,
                      const std::vector<Request>& requests) {
  const std::lock_guard lock(mutex_);
  Batch& batch = batches_[id];
  batch.user = user;
  batch.total += requests.size();
  batch.begun_at = std::chrono::steady_clock::now();
  for (const Request& it : requests) batch.open.push_back(it.id);
  std::ranges::sort(batch.open);
  User& of = users_[user];
  if (of.day != today()) of = {of.under_way, 0, today()};
  of.under_way += requests.size();
  of.today += requests.size();
  under_way_ += requests.size();
  forget_old();
}

void BatchBook::expect_one_more(std::uint64_t id, std::uint64_t request) {
  const std::lock_guard lock(mutex_);
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  Batch& batch = at->second;
  ++batch.total;
  batch.open.insert(std::ranges::lower_bound(batch.open, request), request);
  ++users_[batch.user].under_way;
  ++under_way_;
}

bool BatchBook::end(const ReversePath& path) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = batches_.find(path.batch);
    if (at == batches_.end()) return false;
    Batch& batch = at->second;
    const auto open = std::ranges::lower_bound(batch.open, path.id);
    if (open == batch.open.end() || *open != path.id) return false;
    batch.open.erase(open);
    batch.ended.push_back(path);
    ++paths_;
    --under_way_;
    --users_[batch.user].under_way;
  }
  changed_.notify_all();
  return true;
}

BatchProgress BatchBook::progress_of(std::uint64_t id, const Batch& batch,
                                     std::size_t first) const {
  BatchProgress progress;
  progress.batch = id;
  progress.user = batch.user;
  progress.total = batch.total;
  progress.is_complete = batch.open.empty();
  if (first < batch.ended.size()) {
    progress.ended.assign(batch.ended.begin() + static_cast<std::ptrdiff_t>(first),
                          batch.ended.end());
  }
  return progress;
}

std::optional<BatchProgress> BatchBook::progress(std::uint64_t id, std::size_t first) const {
  const std::lock_guard lock(mutex_);
  const auto at = batches_.find(id);
  if (at == batches_.end()) return std::nullopt;
  return progress_of(id, at->second, first);
}

std::optional<BatchProgress> BatchBook::wait_for_more(std::uint64_t id, std::size_t first,
                                                      std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] {
    const auto at = batches_.find(id);
    return is_stopped_ || at == batches_.end() || at->second.ended.size() > first ||
           at->second.open.empty();
  });
  const auto at = batches_.find(id);
  if (at == batches_.end()) return std::nullopt;
  return progress_of(id, at->second, first);
}

std::vector<std::uint64_t> BatchBook::under_way(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto at = batches_.find(id);
  return at == batches_.end() ? std::vector<std::uint64_t>{} : at->second.open;
}

std::vector<ReversePath> BatchBook::with_label(const std::string& user, const std::string& label,
                                               std::size_t most) const {
  std::vector<ReversePath> found;
  const std::lock_guard lock(mutex_);
  for (auto it = batches_.rbegin(); it != batches_.rend() && found.size() < most; ++it) {
    if (it->second.user != user) continue;
    for (auto path = it->second.ended.rbegin();
         path != it->second.ended.rend() && found.size() < most; ++path) {
      if (path->label == label) found.push_back(*path);
    }
  }
  return found;
}

Service::Usage BatchBook::usage(const std::string& user) const {
  const std::lock_guard lock(mutex_);
  const auto at = users_.find(user);
  if (at == users_.end()) return {};
  return {at->second.under_way, at->second.day == today() ? at->second.today : 0};
}

std::size_t BatchBook::under_way() const {
  const std::lock_guard lock(mutex_);
  return under_way_;
}

void BatchBook::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
}

// Batches are numbered in the order in which they came.
void BatchBook::forget_old() {
  const auto now = std::chrono::steady_clock::now();
  while (batches_.size() > 1) {
    const Batch& oldest = batches_.begin()->second;
    const bool is_old = now - oldest.begun_at > limits_.keep || paths_ > limits_.most_paths;
    if (!is_old || !oldest.open.empty()) return;
    paths_ -= oldest.ended.size();
    batches_.erase(batches_.begin());
  }
}

}  // namespace backsight::controller
