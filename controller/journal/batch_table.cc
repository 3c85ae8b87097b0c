#include "controller/journal/batch_table.h"

#include <algorithm>

#include "probes/assert.h"

namespace backsight::controller {

namespace {

constexpr std::uint64_t kDayUs = std::uint64_t{86'400} * 1'000'000;
// Days that are counted at once: today's, and those of a clock that was wrong for a while.
constexpr std::size_t kMostDays = 8;

// Of those counted, the one farthest from `day`.
std::uint64_t farthest(const std::map<std::uint64_t, std::uint64_t>& days, std::uint64_t day) {
  const std::uint64_t first = days.begin()->first, last = days.rbegin()->first;
  return std::max(day, first) - first > std::max(day, last) - day ? first : last;
}

}  // namespace

std::uint32_t BatchTable::number_of(const std::string& user) {
  const auto [at, is_new] = user_numbers_.emplace(user, static_cast<std::uint32_t>(users_.size()));
  if (is_new) users_.emplace_back().name = user;
  return at->second;
}

void BatchTable::add(std::uint64_t batch, const std::string& user, std::size_t requests,
                     std::uint64_t unix_us) {
  BACKSIGHT_ASSERT(!batches_.contains(batch));
  BatchEntry& entry = batches_[batch];
  entry.user = number_of(user);
  entry.total = requests;
  entry.is_open.resize(2 * requests);
  for (std::size_t i = 0; i < requests; ++i) entry.is_open[2 * i] = true;
  User& counted = users_[entry.user];
  const std::uint64_t day = unix_us / kDayUs;
  counted.accepted[day] += requests;
  if (counted.accepted.size() > kMostDays) counted.accepted.erase(farthest(counted.accepted, day));
  counted.under_way += requests;
  under_way_ += requests;
}

BatchEntry* BatchTable::find_number(std::uint64_t batch, std::uint64_t id) {
  const auto found = batches_.find(batch);
  const bool is_its =
      found != batches_.end() && id >= batch && id - batch < found->second.is_open.size();
  return is_its ? &found->second : nullptr;
}

bool BatchTable::expect_one_more(std::uint64_t batch, std::uint64_t id) {
  BatchEntry* const entry = find_number(batch, id);
  if (entry == nullptr || (id - batch) % 2 == 0 || entry->is_open[id - batch]) return false;
  entry->is_open[id - batch] = true;
  ++entry->total;
  ++users_[entry->user].under_way;
  ++under_way_;
  return true;
}

bool BatchTable::claim_end(std::uint64_t batch, std::uint64_t id) {
  BatchEntry* const entry = find_number(batch, id);
  if (entry == nullptr || !entry->is_open[id - batch]) return false;
  entry->is_open[id - batch] = false;
  --users_[entry->user].under_way;
  --under_way_;
  return true;
}

std::vector<std::uint64_t> BatchTable::open_of(std::uint64_t batch) const {
  std::vector<std::uint64_t> open;
  const BatchEntry* const entry = find(batch);
  for (std::size_t i = 0; entry != nullptr && i < entry->is_open.size(); ++i) {
    if (entry->is_open[i]) open.push_back(batch + i);
  }
  return open;
}

void BatchTable::show(std::uint64_t batch, const ShownEnd& end, const std::string& label,
                      std::uint64_t unix_us) {
  BatchEntry& entry = batches_.at(batch);
  entry.ends.push_back(end);
  if (!label.empty()) {
    std::string key = label_key(user_of(entry), label);
    labels_[key].push_back({batch, entry.ends.size() - 1});
    order_.push_back({std::move(key), batch});
  }
  if (entry.is_complete()) complete_.push_back({unix_us, batch});
}

bool BatchTable::cancel(std::uint64_t batch) {
  const auto found = batches_.find(batch);
  if (found == batches_.end() || found->second.is_complete()) return false;
  found->second.is_cancelled = true;
  return true;
}

const BatchEntry* BatchTable::find(std::uint64_t batch) const {
  const auto found = batches_.find(batch);
  return found == batches_.end() ? nullptr : &found->second;
}

std::string BatchTable::label_key(const std::string& user, const std::string& label) {
  return user + '\0' + label;
}

std::vector<BatchTable::Labelled> BatchTable::with_label(const std::string& user,
                                                         const std::string& label,
                                                         std::size_t most) const {
  std::vector<Labelled> found;
  const auto entries = labels_.find(label_key(user, label));
  if (entries == labels_.end()) return found;
  for (auto at = entries->second.rbegin(); at != entries->second.rend() && found.size() < most;
       ++at) {
    if (const BatchEntry* const entry = find(at->batch)) {
      found.push_back({at->batch, entry->ends[at->end]});
    }
  }
  return found;
}

Service::Usage BatchTable::usage(const std::string& user, std::uint64_t now_us) const {
  const auto number = user_numbers_.find(user);
  if (number == user_numbers_.end()) return {};
  const User& counted = users_[number->second];
  const auto today = counted.accepted.find(now_us / kDayUs);
  return {counted.under_way, today == counted.accepted.end() ? 0 : today->second};
}

std::vector<std::uint64_t> BatchTable::forget_complete(std::uint64_t now_us,
                                                       std::uint64_t keep_us) {
  std::vector<std::uint64_t> gone;
  while (!complete_.empty()) {
    Complete& oldest = complete_.front();
    oldest.unix_us = std::min(oldest.unix_us, now_us);
    if (now_us - oldest.unix_us < keep_us) break;
    const std::uint64_t batch = complete_.front().batch;
    complete_.pop_front();
    if (batches_.erase(batch) > 0) gone.push_back(batch);
  }
  drop_labels();
  return gone;
}

std::vector<std::uint64_t> BatchTable::forget(const std::vector<std::uint64_t>& batches) {
  std::vector<std::uint64_t> gone;
  for (const std::uint64_t batch : batches) {
    const auto found = batches_.find(batch);
    if (found == batches_.end() || !found->second.is_complete()) continue;
    batches_.erase(found);
    gone.push_back(batch);
  }
  drop_labels();
  return gone;
}

// Those at the front whose batch is gone: what stands behind one that is not goes later.
void BatchTable::drop_labels() {
  while (!order_.empty() && !batches_.contains(order_.front().batch)) {
    const auto entries = labels_.find(order_.front().key);
    entries->second.pop_front();
    if (entries->second.empty()) labels_.erase(entries);
    order_.pop_front();
  }
}

}  // namespace backsight::controller
