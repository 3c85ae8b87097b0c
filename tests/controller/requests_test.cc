// What is accepted of what users ask for, and what is said of the rest.
#include "controller/service/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service_rig.h"

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Why = RequestFault::Why;

class RequestsTest : public testing::Test {
 protected:
  RequestsTest() {
    View seen;
    seen.has_looked = true;
    seen.sources = {{.name = "ams01",
                     .address = probes::parse_ipv4("192.0.2.1").value(),
                     .is_ready = true,
                     .why_not = ""},
                    {.name = "fra02",
                     .address = probes::parse_ipv4("192.0.2.2").value(),
                     .is_ready = false,
                     .why_not = "it says nothing"}};
    view.set(std::move(seen));
  }
  // Of the one fault that all of it has.
  RequestFault refused(std::vector<Request> requests) {
    const auto accepted = asked.submit(std::move(requests));
    EXPECT_FALSE(accepted);
    if (accepted || accepted.error().empty()) return {};
    EXPECT_THAT(inbox.take({}).requests, IsEmpty());
    return accepted.error()[0];
  }
  static std::vector<Request> good() { return {ServiceRig::request("192.0.2.1", "198.51.100.7")}; }

  ServiceRig rig;
  Inbox inbox;
  CurrentView view;
  std::string queue_trouble;
  Requests asked{
      {.allow_bogons = true, .max_under_way = 5}, *rig.book, *rig.archive, inbox, view, [this] {
        return queue_trouble;
      }};
};

TEST_F(RequestsTest, AreAcceptedButForThoseThatCannotBeMeasured) {
  const auto denied = probes::parse_prefix("203.0.113.0/24").value();
  asked.deny(config::PrefixSet({&denied, 1}));
  std::vector<Request> requests = good();
  for (const auto& [src, dst] :
       std::initializer_list<std::pair<const char*, const char*>>{{"192.0.2.9", "198.51.100.7"},
                                                                  {"192.0.2.2", "198.51.100.7"},
                                                                  {"192.0.2.1", "203.0.113.7"},
                                                                  {"192.0.2.1", "192.0.2.1"}}) {
    requests.push_back(ServiceRig::request(src, dst));
  }
  const auto accepted = asked.submit(std::move(requests));
  ASSERT_TRUE(accepted);
  std::vector<Why> whys;
  for (const RequestFault& it : accepted->refused) {
    EXPECT_EQ(it.item, whys.size() + 1);
    whys.push_back(it.why);
  }
  EXPECT_THAT(whys, ElementsAre(Why::kUnknownSource, Why::kNotReady, Why::kBadDestination,
                                Why::kBadDestination));
  EXPECT_THAT(accepted->refused[0].sentence, HasSubstr("known: ams01, fra02"));
  EXPECT_THAT(accepted->refused[1].sentence, HasSubstr("fra02 cannot be measured for: it says"));
  EXPECT_THAT(accepted->refused[2].sentence, HasSubstr("is on the deny list"));
  const Inbound in = inbox.take({});
  ASSERT_THAT(in.requests, SizeIs(5));
  EXPECT_EQ(in.requests[0].refused, "");
  EXPECT_EQ(in.requests[1].refused, accepted->refused[0].sentence);
  EXPECT_EQ(in.requests[0].batch, accepted->batch);
  EXPECT_EQ(rig.book->under_way(), 5U);
}

TEST_F(RequestsTest, AreNotAcceptedWhenNoneCanBeMeasured) {
  const RequestFault fault = refused({ServiceRig::request("192.0.2.1", "224.0.0.7")});
  EXPECT_EQ(fault.why, Why::kBadDestination);
  EXPECT_THAT(fault.sentence, HasSubstr("private or reserved"));
  EXPECT_EQ(rig.book->under_way(), 0U);
  view.set({});
  EXPECT_THAT(refused(good()).sentence, HasSubstr("has just started"));
}

TEST_F(RequestsTest, AreNotAcceptedWhileTheControllerHasNoRoomOrStops) {
  queue_trouble = "nobody answers there";
  EXPECT_EQ(refused(good()).sentence, "nobody answers there");
  queue_trouble.clear();
  std::vector<Request> many(6, good()[0]);
  const RequestFault busy = refused(std::move(many));
  EXPECT_EQ(busy.why, Why::kBusy);
  EXPECT_THAT(busy.sentence, HasSubstr("no more than 5 may be"));
  asked.close();
  EXPECT_THAT(refused(good()).sentence, HasSubstr("the controller is stopping"));
}

TEST_F(RequestsTest, AreNotAcceptedWhileTheDiskRefuses) {
  ASSERT_TRUE(asked.submit(good()));  // numbers are set aside
  static_cast<void>(inbox.take({}));
  rig.disk.refuse("No space left on device");
  for (int i = 0; i < 2; ++i) {  // the second one is not even tried
    const RequestFault fault = refused(good());
    EXPECT_EQ(fault.why, Why::kStorage);
    EXPECT_THAT(fault.sentence, HasSubstr("No space left on device"));
    EXPECT_EQ(fault.sentence.starts_with("nothing can be archived now: "), i > 0);
  }
  rig.disk.obey();
  EXPECT_TRUE(eventually([&] { return asked.submit(good()).has_value(); }));
}

TEST_F(RequestsTest, AreCancelledWhereTheyAreMeasured) {
  const auto batch = asked.submit(good())->batch;
  static_cast<void>(inbox.take({}));
  ASSERT_TRUE(asked.cancel(batch));
  EXPECT_THAT(inbox.take({}).cancelled, ElementsAre(batch));
  EXPECT_TRUE(rig.book->is_cancelled(batch));
  ASSERT_TRUE(asked.cancel(batch + 9)) << "there is nothing to cancel";
  EXPECT_THAT(inbox.take({}).cancelled, IsEmpty());
}

TEST_F(RequestsTest, AreCancelledThoughTheDiskRefusesAndThatIsSaid) {
  const auto batch = asked.submit(good())->batch;
  static_cast<void>(inbox.take({}));
  rig.disk.refuse("No space left on device");
  const auto cancelled = asked.cancel(batch);
  ASSERT_FALSE(cancelled);
  EXPECT_THAT(cancelled.error(), HasSubstr("would be measured again if the controller died now"));
  EXPECT_THAT(inbox.take({}).cancelled, ElementsAre(batch));
}

}  // namespace
}  // namespace backsight::controller
