// What the tests of the journal share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/journal/journal.h"
#include "controller/json/path_json.h"
#include "controller/request_numbers.h"
#include "random_path.h"
#include "random_request.h"

namespace backsight::controller {

inline constexpr const char* kJournal = "/j/controller";
inline constexpr std::uint64_t kNowUs = 1'767'225'600'000'000;  // a midnight, UTC

// Requests of one batch, numbered.
[[nodiscard]] inline std::vector<Request> batch_of(std::uint64_t first, std::size_t count,
                                                   std::mt19937_64& random,
                                                   const std::string& user = "alice") {
  std::vector<Request> requests;
  for (std::size_t i = 0; i < count; ++i) {
    requests.push_back(random_request(random));
    requests.back().id = request_number(first, i);
    requests.back().batch = first;
    requests.back().user = user;
  }
  return requests;
}

[[nodiscard]] inline ReversePath path_for(const Request& request, std::mt19937_64& random) {
  ReversePath path = random_path(random);
  path.id = request.id;
  path.batch = request.batch;
  path.label = request.label;
  path.uuid = request.uuid;
  path.src = request.src;
  path.dst = request.dst;
  return path;
}

// What is shown of it.
[[nodiscard]] inline std::string shown(const ReversePath& path) { return to_listed_json(path, {}); }
inline void write_end(Journal& journal, const ReversePath& path, std::uint64_t unix_us = kNowUs) {
  journal.end(path, shown(path), unix_us);
}

// Remembers what it is told.
class Replayed final : public Replay {
 public:
  void accepted(const JournalHead& head, std::vector<Request> requests) override {
    EXPECT_TRUE(batches.emplace(head.batch, std::move(requests)).second);
    users[head.batch] = head.name;
    times[head.batch] = head.unix_us;
  }
  void ended(const EndedRecord& record) override { ends.push_back(record); }
  void cancelled(const JournalHead& head) override { cancels.push_back(head.batch); }

  std::map<std::uint64_t, std::vector<Request>> batches;
  std::map<std::uint64_t, std::string> users;
  std::map<std::uint64_t, std::uint64_t> times;
  std::vector<EndedRecord> ends;
  std::vector<std::uint64_t> cancels;
};

struct OpenJournal {
  std::unique_ptr<Journal> journal;  // none: it could not be opened
  std::string why_not;
  Replayed found;
  std::vector<std::string> complaints;
};

[[nodiscard]] inline OpenJournal open_journal(storage::FileSystem& files,
                                              std::uint64_t segment_bytes = 64 << 20) {
  OpenJournal opened;
  JournalOptions options;
  options.segment_bytes = segment_bytes;
  auto journal = Journal::open(files, kJournal, options, &opened.found, opened.complaints);
  if (journal) {
    opened.journal = std::move(*journal);
  } else {
    opened.why_not = journal.error().sentence;
  }
  return opened;
}

}  // namespace backsight::controller
