// What is known of batches, users and labels, in little memory: of a request that has ended only
// where its end stands.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/service.h"
#include "storage/log/log_format.h"

namespace backsight::controller {

// An end that may be shown, and where the journal has it.
struct ShownEnd {
  std::uint64_t id = 0;
  storage::RecordPlace place;
};

struct BatchEntry {
  std::uint32_t user = 0;
  bool is_cancelled = false;
  std::size_t total = 0;       // requests, and those that stand in for some
  std::vector<bool> is_open;   // by number, from the batch's on: under way
  std::vector<ShownEnd> ends;  // in the order in which they were shown

  [[nodiscard]] bool is_complete() const noexcept { return ends.size() == total; }
};

class BatchTable {
 public:
  // REQUIRES: no such batch.
  void add(std::uint64_t batch, const std::string& user, std::size_t requests,
           std::uint64_t unix_us);
  // A measurement of this number stands in for a request of the batch, beside it. False: no such
  // batch or number, or it is known.
  bool expect_one_more(std::uint64_t batch, std::uint64_t id);
  // Claims the end of a request. False: there is none such, or it has ended.
  [[nodiscard]] bool claim_end(std::uint64_t batch, std::uint64_t id);
  // REQUIRES: its end is claimed.
  void show(std::uint64_t batch, const ShownEnd& end, const std::string& label,
            std::uint64_t unix_us);
  // False: no such batch, or all of it has ended.
  bool cancel(std::uint64_t batch);

  // Numbers of the batch that have not ended.
  [[nodiscard]] std::vector<std::uint64_t> open_of(std::uint64_t batch) const;
  [[nodiscard]] const BatchEntry* find(std::uint64_t batch) const;
  [[nodiscard]] const std::string& user_of(const BatchEntry& batch) const {
    return users_[batch.user].name;
  }
  // Newest first.
  struct Labelled {
    std::uint64_t batch = 0;
    ShownEnd end;
  };
  [[nodiscard]] std::vector<Labelled> with_label(const std::string& user, const std::string& label,
                                                 std::size_t most) const;
  [[nodiscard]] Service::Usage usage(const std::string& user, std::uint64_t now_us) const;

  // Forgets batches that have been complete for `keep_us`. Returns them. One whose end is dated
  // later than now is as old as now: the clock was ahead.
  std::vector<std::uint64_t> forget_complete(std::uint64_t now_us, std::uint64_t keep_us);
  // Forgets those of `batches` that are complete. Returns them.
  std::vector<std::uint64_t> forget(const std::vector<std::uint64_t>& batches);

  [[nodiscard]] std::size_t size() const noexcept { return batches_.size(); }
  [[nodiscard]] std::uint64_t under_way() const noexcept { return under_way_; }

 private:
  struct User {
    std::string name;
    std::uint64_t under_way = 0;
    std::map<std::uint64_t, std::uint64_t> accepted;  // by day since 1970, UTC; few days
  };
  struct Complete {
    std::uint64_t unix_us = 0;
    std::uint64_t batch = 0;
  };
  // An end by its label. Those of all labels stand in order_, oldest first, and those of each label
  // in the same order in labels_.
  struct LabelEntry {
    std::uint64_t batch = 0;
    std::size_t end = 0;  // into its ends
  };
  struct LabelOrder {
    std::string key;
    std::uint64_t batch = 0;
  };

  // Where the number stands in is_open; null: no such batch or number.
  [[nodiscard]] BatchEntry* find_number(std::uint64_t batch, std::uint64_t id);
  [[nodiscard]] std::uint32_t number_of(const std::string& user);
  [[nodiscard]] static std::string label_key(const std::string& user, const std::string& label);
  void drop_labels();

  std::map<std::uint64_t, BatchEntry> batches_;
  std::vector<User> users_;
  std::unordered_map<std::string, std::uint32_t> user_numbers_;
  std::deque<Complete> complete_;  // about in order; forgotten ones linger
  std::unordered_map<std::string, std::deque<LabelEntry>> labels_;
  std::deque<LabelOrder> order_;
  std::uint64_t under_way_ = 0;
};

}  // namespace backsight::controller
