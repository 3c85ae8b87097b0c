// How many small messages a second one stream of a broker takes and gives: stored, fetched and
// acknowledged, all at once, as of many vantage points that have little to say each 20 ms.
//
//   bench_broker [--messages N] [--bytes N] [--subjects N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "queue/nats/broker/library.h"
#include "tests/support/broker.h"

namespace {

using namespace backsight;
using Clock = std::chrono::steady_clock;

constexpr const char* kStream = "BENCH";
constexpr const char* kConsumer = "bench";

void must(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  fmt::print(stderr, "bench_broker: {}: {}\n", what, natsStatus_GetText(status));
  std::exit(1);
}

struct Link {
  explicit Link(const std::string& url) {
    must(natsConnection_ConnectTo(&connection, url.c_str()), "connect");
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = 4096;
    must(natsConnection_JetStream(&jet_stream, connection, &options), "JetStream");
  }
  ~Link() {
    jsCtx_Destroy(jet_stream);
    natsConnection_Destroy(connection);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  natsConnection* connection = nullptr;
  jsCtx* jet_stream = nullptr;
};

// As `backsight queue setup` makes them: files, a work queue, discard new.
void make_stream(Link& link) {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const char* subjects[] = {"bench.>"};
  config.Name = kStream;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Retention = js_WorkQueuePolicy;
  config.Storage = js_FileStorage;
  config.Discard = js_DiscardNew;
  must(js_AddStream(nullptr, link.jet_stream, &config, nullptr, nullptr), "stream");
}

void publish(const std::string& url, std::size_t messages, std::size_t bytes,
             std::size_t subjects) {
  Link link(url);
  const std::string body(bytes, 'x');
  jsPubOptions options;
  jsPubOptions_Init(&options);
  for (std::size_t i = 0; i < messages; ++i) {
    const std::string subject = fmt::format("bench.vp{}", i % subjects);
    const std::string id = fmt::format("vp{}-1-1-{}", i % subjects, i);
    options.MsgId = id.c_str();
    must(js_PublishAsync(link.jet_stream, subject.c_str(), body.data(),
                         static_cast<int>(body.size()), &options),
         "publish");
  }
  jsPubOptions_Init(&options);
  options.MaxWait = 60'000;
  must(js_PublishAsyncComplete(link.jet_stream, &options), "acknowledgements");
}

void consume(const std::string& url, std::size_t messages) {
  Link link(url);
  natsSubscription* subscription = nullptr;
  jsErrCode code{};
  must(js_PullSubscribe(&subscription, link.jet_stream, "bench.>", kConsumer, nullptr, nullptr,
                        &code),
       "subscribe");
  for (std::size_t taken = 0; taken < messages;) {
    natsMsgList list{};
    const natsStatus status = natsSubscription_Fetch(&list, subscription, 500, 1000, &code);
    if (status != NATS_OK && status != NATS_TIMEOUT) must(status, "fetch");
    for (int i = 0; i < list.Count; ++i) must(natsMsg_Ack(list.Msgs[i], nullptr), "acknowledge");
    taken += static_cast<std::size_t>(list.Count);
    natsMsgList_Destroy(&list);
  }
  must(natsConnection_FlushTimeout(link.connection, 10'000), "flush");
  natsSubscription_Destroy(subscription);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t messages = 200'000, bytes = 600, subjects = 150;
  CLI::App app("Small messages a second of one stream: stored, fetched and acknowledged at once");
  app.add_option("--messages", messages, "How many")->capture_default_str();
  app.add_option("--bytes", bytes, "Of each")->capture_default_str();
  app.add_option("--subjects", subjects, "As of so many vantage points")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (!Broker::is_possible()) {
    fmt::print(stderr, "bench_broker: there is no nats-server; scripts/setup installs it\n");
    return 1;
  }
  const Broker broker;
  {
    Link link(broker.url());
    make_stream(link);
  }
  const auto begun = Clock::now();
  std::thread consumer(consume, broker.url(), messages);
  publish(broker.url(), messages, bytes, subjects);
  const double published_s = std::chrono::duration<double>(Clock::now() - begun).count();
  consumer.join();
  const double all_s = std::chrono::duration<double>(Clock::now() - begun).count();
  fmt::print(
      "{{\"messages\":{},\"bytes\":{},\"published_per_second\":{:.0f},"
      "\"published_and_taken_per_second\":{:.0f}}}\n",
      messages, bytes, static_cast<double>(messages) / published_s,
      static_cast<double>(messages) / all_s);
  return 0;
}
