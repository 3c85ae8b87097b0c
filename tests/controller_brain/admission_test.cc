// Who may begin, and in which order.
#include "controller/brain/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr probes::Ipv4Addr kSource{0xc6336401};
constexpr probes::Ipv4Addr kOther{0xc6336402};

class AdmissionTest : public testing::Test {
 protected:
  void push(std::uint64_t id, const std::string& user = "", std::uint64_t batch = 1,
            probes::Ipv4Addr source = kSource) {
    Request request;
    request.id = id;
    request.batch = batch;
    request.user = user;
    request.src = source;
    admission_.push(request);
  }
  // All that may begin now.
  std::vector<std::uint64_t> begin(std::size_t most = ~std::size_t{0}) {
    std::vector<std::uint64_t> begun;
    while (begun.size() < most) {
      const auto request = admission_.next();
      if (!request) break;
      admission_.on_begun(request->src);
      begun.push_back(request->id);
    }
    return begun;
  }
  // Questions have waited so long at each of so many looks.
  void look(std::size_t times, SteadyNs wait) {
    for (std::size_t i = 0; i < times; ++i) {
      admission_.adapt([&](probes::Ipv4Addr) { return wait; });
    }
  }

  Admission admission_;
};

TEST_F(AdmissionTest, OneSourcesManyKeepNobodyElsesBack) {
  for (std::uint64_t id = 1; id <= 1000; ++id) push(id);
  EXPECT_EQ(begin().size(), admission_.room_of(kSource));
  push(2000, "", 2, kOther);
  EXPECT_THAT(begin(), ElementsAre(2000));
  EXPECT_EQ(admission_.waiting(), 1000 - admission_.room_of(kSource));
}

TEST_F(AdmissionTest, FewBeginForASourceThatCanSendLittle) {
  admission_.expect(kSource, 10);
  admission_.expect(kOther, 300);
  for (std::uint64_t id = 1; id <= 100; ++id) push(id);
  const auto few = begin().size();
  EXPECT_GT(few, 0U);
  EXPECT_LT(few, 10U);
  EXPECT_GT(admission_.room_of(kOther), few);
}

TEST_F(AdmissionTest, MoreBeginWhileQuestionsNeedNotWaitAndNoneWhileTheyMust) {
  for (std::uint64_t id = 1; id <= 1000; ++id) push(id);
  const auto first = begin().size();
  look(1, 10 * kMillisecond);
  for (std::size_t i = 0; i < first; ++i) {
    admission_.on_ended(kSource);
    EXPECT_EQ(begin().size(), 2U);
  }
  look(1, 5 * kSecond);
  for (std::size_t i = 0; i < first; ++i) admission_.on_ended(kSource);
  EXPECT_THAT(begin(), IsEmpty());
  look(1, 5 * kSecond);
  look(1, 400 * kMillisecond);
  EXPECT_EQ(admission_.room_of(kSource), first) << "as many as were under way when the wait ended";
  for (std::size_t i = 0; i < 3; ++i) admission_.on_ended(kSource);
  EXPECT_EQ(begin().size(), 3U);
}

TEST_F(AdmissionTest, RoomThatNobodyNeedsDoesNotGrow) {
  for (std::uint64_t id = 1; id <= 100; ++id) {
    push(id);
    ASSERT_THAT(begin(), ElementsAre(id));
    look(1, 0);
    admission_.on_ended(kSource);
  }
  EXPECT_LT(admission_.room_of(kSource), 100U);
}

TEST_F(AdmissionTest, UsersAndTheirBatchesTakeTurns) {
  for (std::uint64_t id = 10; id < 14; ++id) push(id, "a", 10);
  for (std::uint64_t id = 20; id < 22; ++id) push(id, "a", 20);
  for (std::uint64_t id = 30; id < 34; ++id) push(id, "b", 30);
  EXPECT_THAT(begin(), ElementsAre(10, 30, 20, 31, 11, 32, 21, 33, 12, 13));
}

TEST_F(AdmissionTest, WhatIsTakenBackDoesNotBegin) {
  for (std::uint64_t id = 1; id <= 3; ++id) push(id);
  ASSERT_TRUE(admission_.take_back(2));
  EXPECT_FALSE(admission_.take_back(2));
  EXPECT_THAT(begin(), ElementsAre(1, 3));
  EXPECT_FALSE(admission_.take_back(3));
  EXPECT_EQ(admission_.waiting(), 0U);
}

}  // namespace
}  // namespace backsight::controller
