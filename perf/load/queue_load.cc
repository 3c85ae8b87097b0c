// How many results a second the queue carries, and how late one is seen:
//
//   log      a vantage point's put() to its file log, each batch on the disk
//   broker   the same log, a nats-server on the loopback, and a consumer that commits, all at once
//   latency  from a reply to its result at the consumer, at a steady rate
//
//   bench_queue [--seconds N] [--json]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "queue/client.h"
#include "queue/nats/broker/connection.h"
#include "queue/nats/wire/subjects.h"
#include "queue/vp_queue.h"
#include "tests/support/broker.h"

namespace {

using namespace backsight;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 10'000;
constexpr double kSteadyPps = 10'000;
constexpr auto kGather = 20ms;  // as the engine does

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
}

// Half pings, half Record Routes with nine hops.
tasks::ResultBatch make_batch(std::size_t count) {
  tasks::ResultBatch batch;
  for (std::size_t i = 0; i < count; ++i) {
    tasks::ProbeResult result;
    result.task = i;
    result.sent_at_ns = 1'700'000'000'000'000'000 + i;
    result.rtt_ns = 20'000'000;
    result.dst = {static_cast<std::uint32_t>(0xc6120000 + i)};
    result.outcome = tasks::Outcome::kReplied;
    result.has_reply = true;
    if (i % 2 == 0) {
      result.kind = probes::Kind::kRecordRoute;
      result.recorded.what = tasks::Recorded::What::kRoute;
      result.recorded.count = result.recorded.slots = 9;
    }
    batch.probes.push_back(result);
  }
  return batch;
}

template <typename T>
T must(Expected<T> value) {
  if (value) return std::move(*value);
  fmt::print(stderr, "bench_queue: {}\n", value.error().sentence);
  std::exit(1);
}
void must(Expected<void> value) {
  if (value) return;
  fmt::print(stderr, "bench_queue: {}\n", value.error().sentence);
  std::exit(1);
}

struct Figures {
  double log_mps = 0;
  double broker_mps = 0;
  double bytes_per_result = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

queue::QueueAddress address_of(const Broker& broker) {
  queue::QueueAddress address(broker.url());
  address.spool = (broker.folder() / "spool").string();
  address.state = (broker.folder() / "state").string();
  return address;
}

void measure_log(double seconds, Figures& figures) {
  Broker place("-");  // for its folder
  const queue::QueueAddress address("file://" + (place.folder() / "queue").string());
  const auto vp = must(queue::open_vp_queue(address, "ams01"));
  const auto access = must(queue::open_queue(address));
  const auto source = must(access->open_source("ams01"));
  const auto batch = make_batch(kBatch);
  std::vector<std::string> complaints;
  std::uint64_t put = 0;
  double putting = 0;
  while (putting < seconds) {
    const auto start = Clock::now();
    for (int i = 0; i < 50; ++i, put += kBatch) must(vp->put(batch));
    putting += seconds_since(start);
    // The disk is given back meanwhile, outside the measured time.
    while (must(source->next(complaints))) continue;
    must(source->commit());
  }
  figures.log_mps = static_cast<double>(put) / putting / 1e6;
}

// The vantage point puts as fast as it may while less than a second's worth waits.
void measure_broker(double seconds, Figures& figures) {
  Broker broker;
  const auto address = address_of(broker);
  const auto vp = must(queue::open_vp_queue(address, "ams01"));
  const auto access = must(queue::open_queue(address));
  const auto source = must(access->open_source("ams01"));
  const auto batch = make_batch(kBatch);
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> put{0};
  std::atomic<std::uint64_t> got{0};
  std::thread producer([&] {
    while (!ends) {
      if (put - got > 2'000'000) {
        std::this_thread::sleep_for(200us);
        continue;
      }
      must(vp->put(batch));
      put += kBatch;
    }
  });
  std::vector<std::string> complaints;
  const auto start = Clock::now();
  std::uint64_t uncommitted = 0;
  while (seconds_since(start) < seconds) {
    const auto stored = must(source->next(complaints));
    if (stored) {
      got += stored->message.results.size();
      uncommitted += stored->message.results.size();
    }
    if (uncommitted > 100'000 || (!stored && uncommitted > 0)) {
      must(source->commit());
      uncommitted = 0;
    }
    if (!stored) std::this_thread::sleep_for(1ms);
  }
  figures.broker_mps = static_cast<double>(got) / seconds_since(start) / 1e6;
  ends = true;
  producer.join();
  for (const std::string& complaint : complaints) fmt::print(stderr, "{}\n", complaint);
}

void measure_latency(double seconds, Figures& figures) {
  Broker broker;
  const auto address = address_of(broker);
  const auto vp = must(queue::open_vp_queue(address, "ams01"));
  const auto access = must(queue::open_queue(address));
  const auto source = must(access->open_source("ams01"));
  std::atomic<bool> ends{false};
  std::thread producer([&] {
    const auto start = Clock::now();
    tasks::ResultBatch batch;
    auto put_at = start + kGather;
    std::uint64_t made = 0;
    while (!ends) {
      const auto due = static_cast<std::uint64_t>(seconds_since(start) * kSteadyPps);
      for (; made < due; ++made) {
        batch.probes.emplace_back();
        batch.probes.back().sent_at_ns = now_ns();  // when its reply came
      }
      if (Clock::now() >= put_at && batch.size() > 0) {
        must(vp->put(batch));
        batch.clear();
        put_at = Clock::now() + kGather;
      }
      std::this_thread::sleep_for(200us);
    }
  });
  std::vector<double> ms;
  std::vector<std::string> complaints;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    bool did = false;
    while (const auto stored = must(source->next(complaints))) {
      const std::uint64_t now = now_ns();
      for (const auto& result : stored->message.results.probes) {
        ms.push_back(static_cast<double>(now - result.sent_at_ns) / 1e6);
      }
      did = true;
    }
    if (did) must(source->commit());
    std::this_thread::sleep_for(queue::kResultPoll);
  }
  ends = true;
  producer.join();
  std::sort(ms.begin(), ms.end());
  if (ms.empty()) return;
  figures.p50_ms = ms[ms.size() / 2];
  figures.p99_ms = ms[ms.size() * 99 / 100];
}

// What the broker stores of results that nobody fetches: subjects, headers, bodies.
void measure_bytes(Figures& figures) {
  constexpr std::uint64_t kResults = 200'000;
  Broker broker;
  const auto address = address_of(broker);
  const auto vp = must(queue::open_vp_queue(address, "ams01"));
  const auto batch = make_batch(kBatch);
  for (std::uint64_t put = 0; put < kResults; put += kBatch) must(vp->put(batch));
  const auto connection = must(queue::nats::Connection::open(address, "bench", "bench_queue"));
  const std::uint64_t messages = (kResults + 1) / 1500;  // at the least
  const auto deadline = Clock::now() + 20s;
  while (Clock::now() < deadline) {
    jsStreamInfo* got = nullptr;
    js_GetStreamInfo(&got, connection->jet_stream(), queue::nats::kResultStream, nullptr, nullptr);
    const queue::nats::StreamInfo info(got);
    const std::uint64_t sent = vp->health().batches_sent;
    if (info != nullptr && sent >= messages && info->State.Msgs == sent) {
      figures.bytes_per_result = static_cast<double>(info->State.Bytes) / kResults;
    }
    if (figures.bytes_per_result > 0 && vp->health().batches_sent == sent) {
      std::this_thread::sleep_for(200ms);
      if (vp->health().batches_sent == sent) return;  // no more comes
      figures.bytes_per_result = 0;
    }
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Results a second through the queue, and how late they are", "bench_queue");
  double seconds = 3;
  bool json = false;
  app.add_option("--seconds", seconds, "For each figure")->capture_default_str();
  app.add_flag("--json", json, "One object");
  CLI11_PARSE(app, argc, argv);
  if (!Broker::is_possible()) {
    fmt::print(stderr, "bench_queue: no nats-server; scripts/setup installs it\n");
    return 1;
  }
  Figures figures;
  measure_log(seconds, figures);
  measure_broker(seconds, figures);
  measure_bytes(figures);
  measure_latency(seconds, figures);
  if (json) {
    fmt::print(
        "{{\"log_mresults_per_second\":{:.3f},\"broker_mresults_per_second\":{:.3f},"
        "\"wire_bytes_per_result\":{:.1f},\"latency_p50_ms\":{:.1f},\"latency_p99_ms\":{:.1f}}}\n",
        figures.log_mps, figures.broker_mps, figures.bytes_per_result, figures.p50_ms,
        figures.p99_ms);
    return 0;
  }
  fmt::print("results to committed log       {:8.2f} M/s\n", figures.log_mps);
  fmt::print("through a broker, committed    {:8.2f} M/s\n", figures.broker_mps);
  fmt::print("bytes a result on the wire     {:8.1f}\n", figures.bytes_per_result);
  fmt::print("seen after, at {:.0f}/s    p50 {:8.1f} ms\n", kSteadyPps, figures.p50_ms);
  fmt::print("                           p99 {:8.1f} ms\n", figures.p99_ms);
  return 0;
}
