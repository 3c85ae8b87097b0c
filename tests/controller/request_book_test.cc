// Batches, labels and users on a journal; on a real file system.
#include "controller/journal/request_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "journal_support.h"
#include "stubborn_disk.h"

namespace backsight::controller {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::uint64_t kDayUs = 86'400ULL * 1'000'000;

class RequestBookTest : public ::testing::Test {
 protected:
  RequestBookTest() {
    std::string name = std::filesystem::temp_directory_path() / "backsight-book-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    options_.now_us = [this] { return now_us_.load(); };
    options_.journal.tell = [this](const std::string& sentence, bool) {
      const std::lock_guard lock(told_mutex_);
      told_.push_back(sentence);
    };
    options_.forget_every = std::chrono::hours(1);
    open();
  }
  ~RequestBookTest() override {
    book_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    book_.reset();
    auto opened = RequestBook::open(disk_, {folder_, folder_}, options_);
    ASSERT_TRUE(opened) << opened.error().sentence;
    book_ = std::move(opened->book);
    unfinished_ = std::move(opened->unfinished);
    cancelled_ = std::move(opened->cancelled);
    complaints_ = std::move(opened->complaints);
  }

  std::vector<Request> wishes(std::size_t count, const std::string& user = "alice",
                              const std::string& label = "") {
    std::vector<Request> requests;
    for (std::size_t i = 0; i < count; ++i) {
      requests.push_back(random_request(random_));
      requests.back().user = user;
      requests.back().label = label;
    }
    return requests;
  }
  std::vector<Request> accepted(std::size_t count, const std::string& user = "alice",
                                const std::string& label = "") {
    auto requests = wishes(count, user, label);
    EXPECT_TRUE(book_->accept(requests));
    return requests;
  }
  ReversePath ended(const Request& request) {
    ReversePath path = path_for(request, random_);
    end(path);
    return path;
  }
  // As the archive does. What the disk refuses is written with what ends next.
  void end(const ReversePath& path) {
    write_end(book_->journal(), path, now_us_);
    static_cast<void>(book_->journal().sync().has_value());
    book_->show(book_->journal().take_written());
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(told_mutex_);
    return told_;
  }

  std::mt19937_64 random_{1};
  std::filesystem::path folder_;
  StubbornDisk disk_;
  std::atomic<std::uint64_t> now_us_ = kNowUs;
  BookOptions options_;
  std::unique_ptr<RequestBook> book_;
  std::vector<Request> unfinished_;
  std::vector<std::uint64_t> cancelled_;
  std::vector<std::string> complaints_;
  std::mutex told_mutex_;
  std::vector<std::string> told_;
};

TEST_F(RequestBookTest, NumbersRequestsAndNamesTheBatchAfterTheFirst) {
  auto requests = wishes(3);
  const auto batch = book_->accept(requests);
  ASSERT_TRUE(batch);
  EXPECT_EQ(requests[0].id, *batch);
  EXPECT_EQ(*batch % 2, 0U);
  EXPECT_EQ(requests[2].id, *batch + 4);
  EXPECT_EQ(requests[2].batch, *batch);
  auto more = wishes(1);
  EXPECT_EQ(book_->accept(more).value(), *batch + 6);
}

TEST_F(RequestBookTest, ShowsWhatEndedInTheOrderInWhichItDid) {
  const auto requests = accepted(3);
  const std::uint64_t batch = requests[0].batch;
  auto progress = book_->progress(batch, 0);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->total, 3U);
  EXPECT_EQ(progress->user, "alice");
  EXPECT_FALSE(progress->is_complete);
  EXPECT_TRUE(progress->ended.empty());
  const ReversePath second = ended(requests[1]);
  const ReversePath first = ended(requests[0]);
  progress = book_->progress(batch, 0);
  ASSERT_EQ(progress->ended.size(), 2U);
  EXPECT_EQ(progress->ended[0].json, shown(second));
  EXPECT_EQ(progress->ended[1].json, shown(first));
  EXPECT_EQ(book_->progress(batch, 1)->ended.size(), 1U);
  EXPECT_EQ(book_->progress(batch, 99)->ended.size(), 0U);
  ended(requests[2]);
  EXPECT_TRUE(book_->progress(batch, 0)->is_complete);
  EXPECT_FALSE(book_->progress(batch + 1, 0));
}

TEST_F(RequestBookTest, TakesOneEndOfARequest) {
  const auto requests = accepted(1);
  const ReversePath path = ended(requests[0]);
  end(path);
  ReversePath stray = path;
  stray.id += 1;
  end(stray);
  stray.batch += 7;
  end(stray);
  EXPECT_EQ(book_->progress(requests[0].batch, 0)->ended.size(), 1U);
}

TEST_F(RequestBookTest, KeepsABatchOpenForWhatStandsInForARequest) {
  const auto requests = accepted(1, "alice", "mine");
  const std::uint64_t batch = requests[0].batch;
  ReversePath stand_in = path_for(requests[0], random_);
  stand_in.id = stand_in_number(requests[0].id);
  EXPECT_TRUE(book_->expect_one_more(batch, stand_in.id));
  EXPECT_FALSE(book_->expect_one_more(batch, stand_in.id));
  EXPECT_FALSE(book_->expect_one_more(batch, requests[0].id));
  EXPECT_THAT(book_->open_of(batch), ElementsAre(requests[0].id, stand_in.id));
  ended(requests[0]);
  EXPECT_FALSE(book_->progress(batch, 0)->is_complete);
  EXPECT_EQ(book_->progress(batch, 0)->total, 2U);
  end(stand_in);
  EXPECT_TRUE(book_->progress(batch, 0)->is_complete);
  open();
  EXPECT_THAT(unfinished_, ElementsAre());
  const auto progress = book_->progress(batch, 0);
  EXPECT_TRUE(progress->is_complete);
  ASSERT_EQ(progress->ended.size(), 2U);
  EXPECT_EQ(progress->ended[1].id, stand_in.id);
  EXPECT_EQ(book_->with_label("alice", "mine", 9).size(), 2U);
  EXPECT_EQ(book_->usage("alice").under_way, 0U);
}

TEST_F(RequestBookTest, LetsNobodyWaitWhenTheProcessEnds) {
  const auto requests = accepted(1);
  auto waiting = std::async(std::launch::async, [&] {
    return book_->wait_for_more(requests[0].batch, 0, std::chrono::hours(1))->ended.size();
  });
  book_->stop_waiting();
  EXPECT_EQ(waiting.get(), 0U);
}

TEST_F(RequestBookTest, WakesWhoWaitsForMore) {
  const auto requests = accepted(2);
  const std::uint64_t batch = requests[0].batch;
  auto waiting = std::async(std::launch::async,
                            [&] { return book_->wait_for_more(batch, 0, 60s)->ended.size(); });
  ended(requests[0]);
  EXPECT_EQ(waiting.get(), 1U);
  EXPECT_EQ(book_->wait_for_more(batch, 0, 60s)->ended.size(), 1U);  // there already
  EXPECT_EQ(book_->wait_for_more(batch, 1, 1ms)->ended.size(), 0U);
  ended(requests[1]);
  EXPECT_TRUE(book_->wait_for_more(batch, 2, 60s)->is_complete);  // no more comes
  EXPECT_FALSE(book_->wait_for_more(batch + 9, 0, 60s));
}

TEST_F(RequestBookTest, RemembersAllAfterARestart) {
  const auto requests = accepted(3, "alice", "mine");
  const ReversePath path = ended(requests[1]);
  const auto others = accepted(1, "bob");
  open();
  EXPECT_THAT(complaints_, ElementsAre());
  ASSERT_EQ(unfinished_.size(), 3U);
  EXPECT_EQ(unfinished_[0].id, requests[0].id);
  EXPECT_TRUE(is_same_wish(unfinished_[1], requests[2]));
  EXPECT_EQ(unfinished_[2].user, "bob");
  const auto progress = book_->progress(requests[0].batch, 0);
  ASSERT_EQ(progress->ended.size(), 1U);
  EXPECT_EQ(progress->ended[0].json, shown(path));
  EXPECT_EQ(book_->with_label("alice", "mine", 9).size(), 1U);
  EXPECT_EQ(book_->usage("alice").under_way, 2U);
  EXPECT_EQ(book_->usage("alice").today, 3U);
  ended(requests[0]);
  ended(requests[2]);
  EXPECT_TRUE(book_->progress(requests[0].batch, 0)->is_complete);
  EXPECT_GT(accepted(1)[0].id, others[0].id);
}

TEST_F(RequestBookTest, SaysAfterARestartWhatWasCancelledAndHadNotEnded) {
  const auto requests = accepted(2);
  const auto others = accepted(1);
  EXPECT_EQ(book_->cancel(requests[0].batch).value(), true);
  EXPECT_EQ(book_->cancel(requests[0].batch).value(), true);
  EXPECT_EQ(book_->cancel(requests[0].batch + 9).value(), false);
  ended(requests[0]);
  open();
  EXPECT_EQ(unfinished_.size(), 2U);
  EXPECT_THAT(cancelled_, ElementsAre(requests[1].id));
  EXPECT_TRUE(book_->is_cancelled(requests[0].batch));
  EXPECT_FALSE(book_->is_cancelled(others[0].batch));
  ended(requests[1]);
  EXPECT_EQ(book_->cancel(requests[0].batch).value(), false);
}

TEST_F(RequestBookTest, CancelsThoughTheDiskRefusesAndSaysSo) {
  const auto requests = accepted(1);
  disk_.refuse("No space left on device");
  const auto cancelled = book_->cancel(requests[0].batch);
  ASSERT_FALSE(cancelled);
  EXPECT_THAT(cancelled.error().sentence, HasSubstr("No space left on device"));
  EXPECT_TRUE(book_->is_cancelled(requests[0].batch));
  disk_.obey();
  EXPECT_EQ(book_->cancel(requests[0].batch).value(), true);
  open();
  EXPECT_THAT(cancelled_, ElementsAre(requests[0].id));
}

TEST_F(RequestBookTest, IsNotWritableUntilTheDiskTakesSomething) {
  accepted(1);
  disk_.refuse("No space left on device");
  auto refused = wishes(1);
  ASSERT_FALSE(book_->accept(refused));
  EXPECT_FALSE(book_->journal().sync());
  EXPECT_THAT(book_->health().why_not_writable, HasSubstr("No space left on device"));
  disk_.obey();
  EXPECT_TRUE(book_->journal().sync());
  EXPECT_EQ(book_->health().why_not_writable, "");
  accepted(1);
}

TEST_F(RequestBookTest, SaysThatNumbersCannotBeGivenOutUntilTheyCan) {
  options_.forget_every = std::chrono::seconds(1);
  open();
  disk_.refuse("No space left on device");
  auto refused = wishes(1);
  ASSERT_FALSE(book_->accept(refused));
  EXPECT_THAT(book_->health().why_not_writable, HasSubstr("No space left on device"));
  EXPECT_EQ(book_->journal().why_not_writable(), "");
  EXPECT_EQ(told().size(), 1U);
  disk_.obey();
  while (!book_->health().why_not_writable.empty()) std::this_thread::yield();  // by itself
  EXPECT_EQ(told().back(), "requests can be numbered again");
  EXPECT_GT(accepted(1)[0].id, 0U);
}

TEST_F(RequestBookTest, RefusesNumbersBesideTheLogOfAnEarlierVersion) {
  accepted(1);
  book_.reset();
  const auto opened = RequestBook::open(disk_, {folder_ / "new", folder_}, options_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().sentence,
              AllOf(HasSubstr(folder_.string() + ": holds requests of an earlier version"),
                    HasSubstr("start that version"), HasSubstr("remove " + folder_.string())));
}

TEST_F(RequestBookTest, FindsByLabelTheNewestFirstAndOfThatUserAlone) {
  const auto one = accepted(2, "alice", "mine");
  const auto two = accepted(1, "bob", "mine");
  const auto three = accepted(1, "alice", "other");
  for (const auto& batch : {one, two, three}) {
    for (const Request& request : batch) ended(request);
  }
  const auto found = book_->with_label("alice", "mine", 9);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, one[1].id);
  EXPECT_EQ(found[1].id, one[0].id);
  EXPECT_EQ(book_->with_label("alice", "mine", 1).size(), 1U);
  EXPECT_EQ(book_->with_label("bob", "mine", 9)[0].id, two[0].id);
  EXPECT_TRUE(book_->with_label("bob", "other", 9).empty());
}

TEST_F(RequestBookTest, CountsWhatAUserHasUnderWayAndAskedForToday) {
  const auto requests = accepted(3);
  accepted(1, "bob");
  EXPECT_EQ(book_->usage("alice").under_way, 3U);
  EXPECT_EQ(book_->usage("nobody").under_way, 0U);
  ended(requests[0]);
  EXPECT_EQ(book_->usage("alice").under_way, 2U);
  EXPECT_EQ(book_->usage("alice").today, 3U);
  now_us_ = kNowUs + kDayUs - 1;
  EXPECT_EQ(book_->usage("alice").today, 3U);
  now_us_ = kNowUs + kDayUs;
  EXPECT_EQ(book_->usage("alice").today, 0U);
  accepted(1);
  EXPECT_EQ(book_->usage("alice").today, 1U);
  EXPECT_EQ(book_->health().under_way, 4U);
}

TEST_F(RequestBookTest, ForgetsABatchSomeTimeAfterItsLastEnd) {
  const auto old = accepted(2, "alice", "mine");
  const auto open_one = accepted(1);
  ended(old[0]);
  ended(old[1]);
  now_us_ += kDayUs - 1;
  book_->forget();
  EXPECT_TRUE(book_->progress(old[0].batch, 0));
  now_us_ += 1;
  book_->forget();
  EXPECT_FALSE(book_->progress(old[0].batch, 0));
  EXPECT_TRUE(book_->with_label("alice", "mine", 9).empty());
  EXPECT_TRUE(book_->progress(open_one[0].batch, 0));  // it has not ended
  EXPECT_EQ(book_->health().batches, 1U);
}

TEST_F(RequestBookTest, AYearsStepOfTheClockAndBackIsNotSeenInWhatAUserAskedForToday) {
  constexpr auto kYearUs = static_cast<std::int64_t>(365 * kDayUs);
  for (const std::int64_t step : {kYearUs, -kYearUs}) {
    const std::uint64_t before = book_->usage("alice").today;
    accepted(2);
    now_us_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(kNowUs) + step);
    accepted(5);
    EXPECT_EQ(book_->usage("alice").today, 5U);
    now_us_ = kNowUs;
    EXPECT_EQ(book_->usage("alice").today, before + 2);
    accepted(1);
    EXPECT_EQ(book_->usage("alice").today, before + 3);
    open();
    EXPECT_EQ(book_->usage("alice").today, before + 3);
  }
}

TEST_F(RequestBookTest, ABatchThatEndedWhileTheClockWasAheadIsForgottenLikeOthers) {
  const auto ahead = accepted(1), behind = accepted(1);
  now_us_ = kNowUs + 365 * kDayUs;
  ended(ahead[0]);
  now_us_ = kNowUs;
  ended(behind[0]);
  book_->forget();
  EXPECT_TRUE(book_->progress(ahead[0].batch, 0));
  now_us_ += kDayUs;
  book_->forget();
  EXPECT_FALSE(book_->progress(ahead[0].batch, 0));
  EXPECT_FALSE(book_->progress(behind[0].batch, 0));
}

TEST_F(RequestBookTest, ForgetsTheOldestWhenTheyTakeTooMuchRoom) {
  options_.keep_bytes = 30'000;
  options_.journal.segment_bytes = 5'000;
  open();
  std::vector<std::uint64_t> batches;
  for (int i = 0; i < 100; ++i) {
    const auto requests = accepted(1);
    ended(requests[0]);
    batches.push_back(requests[0].batch);
    book_->forget();
    ASSERT_LT(book_->health().bytes, 40'000U);
  }
  EXPECT_FALSE(book_->progress(batches.front(), 0));
  EXPECT_TRUE(book_->progress(batches.back(), 0));
  const std::uint64_t known = book_->health().batches;
  EXPECT_LT(known, 100U);
  // What stands in a segment beside others may be known again after a restart, and is forgotten
  // again; nothing that was known is not.
  open();
  EXPECT_THAT(complaints_, ElementsAre());
  EXPECT_GE(book_->health().batches, known);
  EXPECT_EQ(book_->progress(batches.back(), 0)->ended.size(), 1U);
}

TEST_F(RequestBookTest, RefusesAndShowsNothingWhileTheDiskRefuses) {
  const auto requests = accepted(2);
  disk_.refuse("No space left on device");
  auto more = wishes(1);
  const auto refused = book_->accept(more);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().sentence, HasSubstr("No space left on device"));
  const ReversePath path = ended(requests[0]);
  EXPECT_EQ(book_->progress(requests[0].batch, 0)->ended.size(), 0U);
  EXPECT_EQ(book_->health().unwritten, 1U);
  EXPECT_EQ(book_->health().refused, 1U);
  EXPECT_THAT(book_->health().why_not_writable, HasSubstr("No space left on device"));
  disk_.obey();
  ended(requests[1]);
  EXPECT_EQ(book_->health().unwritten, 0U);
  EXPECT_EQ(book_->health().why_not_writable, "");
  open();
  EXPECT_THAT(unfinished_, ElementsAre());
  const auto again = book_->progress(requests[0].batch, 0);
  ASSERT_EQ(again->ended.size(), 2U);
  EXPECT_EQ(again->ended[0].json, shown(path));
  const auto sentences = told();
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_THAT(sentences[0], HasSubstr("No space left on device"));
  EXPECT_EQ(sentences[1], "the journal is written again");
}

TEST_F(RequestBookTest, SharesASyncAmongThoseWhoAskAtOnce) {
  accepted(1);
  disk_.hold_syncs();
  constexpr int kClients = 20;
  std::vector<std::future<bool>> clients;
  const std::uint64_t before = disk_.syncs();
  for (int i = 0; i < kClients; ++i) {
    auto requests = wishes(1, "u" + std::to_string(i));
    clients.push_back(std::async(std::launch::async, [this, requests]() mutable {
      return book_->accept(requests).has_value();
    }));
  }
  disk_.wait_for_held_sync();
  // Those who come while the first one is on its way wait together; let them come.
  while (book_->journal().waiting().records + 1 < kClients) std::this_thread::yield();
  disk_.release_syncs();
  for (auto& client : clients) EXPECT_TRUE(client.get());
  EXPECT_LE(disk_.syncs() - before, 3U);
}

TEST_F(RequestBookTest, GoesOnWhileManyAskEndAndLook) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 50;
  std::vector<std::thread> threads;
  std::atomic<int> complete = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int round = 0; round < kRounds; ++round) {
        std::vector<Request> requests{random_request(random), random_request(random)};
        requests[0].user = requests[1].user = "u" + std::to_string(t);
        ASSERT_TRUE(book_->accept(requests));
        for (const Request& request : requests) {
          end(path_for(request, random));
        }
        std::size_t seen = 0;
        while (seen < 2) seen += book_->wait_for_more(requests[0].batch, seen, 60s)->ended.size();
        ++complete;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(complete, kThreads * kRounds);
  EXPECT_EQ(book_->health().under_way, 0U);
  open();
  EXPECT_THAT(unfinished_, ElementsAre());
  EXPECT_EQ(book_->health().batches, static_cast<std::uint64_t>(kThreads * kRounds));
}

}  // namespace
}  // namespace backsight::controller
