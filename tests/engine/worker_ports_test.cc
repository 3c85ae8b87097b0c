// One worker on two ports: each probe leaves by its task's port, with that port's address, and its
// reply is known wherever it arrives.
#include <rte_mbuf.h>

#include <gtest/gtest.h>

#include <map>

#include "engine/worker/worker.h"
#include "fake_time.h"
#include "network.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;

class TwoPorts : public ::testing::Test {
 protected:
  TwoPorts() {
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      config::PortConfig config;
      config.device = wires_[i].device();
      config.address = addresses_[i];
      config.prefix_length = 24;
      config.gateway = FakeInternet::kGateway;
      config.gateway_mac = FakeInternet::kGatewayMac;
      config.answers = config::PortConfig::Answers::kYes;
      config.rx_descriptors = config.tx_descriptors = 128;
      auto opened = Port::open(config, 1, clock_);
      EXPECT_TRUE(opened) << opened.error().sentence;
      ports_[i] = std::move(*opened);
      shared_.ports.push_back(ports_[i].get());
      internet_.attach({&wires_[i], addresses_[i], ports_[i]->mac()});
    }
    WorkerSetup setup{.index = 0,
                      .workers = 1,
                      .engine = {},
                      .limits = {},
                      .places = 64,
                      .keys = {{1, 2}, {{{1, 2}, {1, 2}, {1, 2}}}},
                      .want_huge = false};
    setup.engine.inflight = 1024;
    setup.engine.traces = 16;
    worker_ = std::make_unique<Worker>(setup, shared_);
  }
  ~TwoPorts() override {
    worker_.reset();
    for (const auto& port : ports_) EXPECT_EQ(port->buffers_in_use(), 0U);
  }

  void assign(std::uint64_t id, std::uint8_t port) {
    Assignment assignment;
    assignment.queued.task.id = id;
    assignment.queued.task.kind = id % 2 == 0 ? probes::Kind::kPing : probes::Kind::kRecordRoute;
    assignment.queued.task.dst = {ip("198.51.100.0").value + static_cast<std::uint32_t>(id) * 256};
    assignment.queued.task.src = addresses_[port];
    assignment.port = port;
    ASSERT_TRUE(worker_->tasks().try_push(assignment));
  }
  // Rounds until so many tasks have a result.
  bool run_until_done(std::size_t tasks) {
    const Tsc patience = now_ + TscSpan{5 * kTicksPerSecond};
    while (results_.size() < tasks && now_ < patience) {
      worker_->round();
      internet_.step();
      now_ = now_ + TscSpan{10 * kTicksPerUs};
      worker_->reports().read(64, [this](const Report& report) {
        results_[report.head().task] = probe_result_of(report, clock_, 0);
      });
    }
    return results_.size() == tasks;
  }

  const std::array<Ipv4Addr, 2> addresses_ = {ip("192.0.2.10"), ip("203.0.113.10")};
  FakeInternet internet_;
  std::array<Wire, 2> wires_ = {Wire(1, 256), Wire(1, 256)};
  Tsc now_ = at_ms(1'000'000);
  const TscClock clock_{kTicksPerSecond, now_};
  TotalRate total_{100'000'000, kTicksPerSecond};
  Shared shared_{.clock = clock_,
                 .total = total_,
                 .vp_id = 7,
                 .cipher = probes::HandleCipher({3, 4}),
                 .ports = {}};
  std::array<std::unique_ptr<Port>, 2> ports_;
  std::unique_ptr<Worker> worker_;
  std::map<std::uint64_t, tasks::ProbeResult> results_;
};

TEST_F(TwoPorts, SendEachTaskByItsOwnAndKnowEachReply) {
  for (std::uint64_t id = 1; id <= 300; ++id) assign(id, static_cast<std::uint8_t>(id / 3 % 2));
  ASSERT_TRUE(run_until_done(300));
  std::array<std::size_t, 2> left_by{};
  for (const Packet& probe : internet_.probes) ++left_by[source_of(probe) == addresses_[1] ? 1 : 0];
  EXPECT_EQ(left_by[0] + left_by[1], 300U);
  EXPECT_GE(left_by[0], 149U);
  EXPECT_GE(left_by[1], 149U);
  for (const auto& [id, result] : results_) {
    EXPECT_EQ(result.outcome, Outcome::kReplied) << id;
    EXPECT_EQ(result.src, addresses_[id / 3 % 2]) << id;
    EXPECT_GT(result.rtt_ns, 0U) << id;
  }
  for (const auto& port : ports_) {
    EXPECT_GT(port->statistics().transmitted, 140U);
    EXPECT_GT(port->statistics().received, 140U);
  }
}

TEST_F(TwoPorts, GoOnByTheOneWhenTheOtherHasNoBuffers) {
  rte_mempool* const pool = ports_[0]->queue(0).pool();
  std::vector<rte_mbuf*> taken;
  while (rte_mbuf* const packet = rte_pktmbuf_alloc(pool)) taken.push_back(packet);
  for (std::uint64_t id = 1; id <= 100; ++id) assign(id, static_cast<std::uint8_t>(id % 2));
  ASSERT_TRUE(run_until_done(50));
  for (const auto& [id, result] : results_) EXPECT_EQ(id % 2, 1U);
  for (rte_mbuf* const packet : taken) rte_pktmbuf_free(packet);
  ASSERT_TRUE(run_until_done(100));
}

}  // namespace
}  // namespace backsight::engine
