// The `backsight` command, run as a user runs it, with a vantage point played by the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include "command.h"
#include "queue/vp_queue.h"

namespace backsight::cli {
namespace {

using tasks::Outcome;
using tasks::ProbeResult;
using tasks::QueuedTask;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

probes::Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

ProbeResult answer_to(const QueuedTask& queued) {
  ProbeResult result;
  result.task = queued.task.id;
  result.position = queued.position;
  result.kind = queued.task.kind;
  result.src = address("192.0.2.10");
  result.dst = queued.task.dst;
  result.outcome = Outcome::kReplied;
  result.sent_at_ns = 1'700'000'000'000'000'000;
  result.rtt_ns = 12'345'678;
  result.has_reply = true;
  result.reply = {.from = queued.task.dst, .ttl = 58};
  return result;
}

// Answers tasks in a thread of its own, until its end.
class PlayedVp {
 public:
  using Answer = std::function<void(const QueuedTask&, tasks::ResultBatch&)>;

  PlayedVp(const std::string& url, Answer answer)
      : queue_(std::move(*queue::open_vp_queue(url, "ams01"))), thread_([this, answer] {
          std::vector<std::string> complaints;
          while (!stop_) {
            std::vector<QueuedTask> tasks;
            EXPECT_TRUE(queue_->take(100, tasks, complaints));
            tasks::ResultBatch batch;
            for (const QueuedTask& task : tasks) answer(task, batch);
            EXPECT_TRUE(queue_->put(batch));
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
          }
        }) {}
  ~PlayedVp() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::unique_ptr<queue::VpQueue> queue_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

void reply(const QueuedTask& task, tasks::ResultBatch& batch) {
  batch.probes.push_back(answer_to(task));
}

using Cli = QueueFolder;

TEST_F(Cli, RefusesBadUsageInOneSentence) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"pong"},
      {"ping"},
      {"queue"},
      {"queue", "put"},
      {"queue", "put", "--vp", "AMS"},
      {"queue", "get", "--queue", "nats://host:port"},
      {"queue", "get", "--queue", "kafka://host"},
      {"queue", "setup", "--queue", "file:///tmp"},
      {"ping", "--timeout-ms", "0", "192.0.2.1"},
      {"ping", "--src", "here", "192.0.2.1"},
      {"trace", "--method", "sctp", "192.0.2.1"},
      {"trace", "--first-ttl", "9", "--max-ttl", "8", "192.0.2.1"},
      {"ts", "--type", "tsprespec", "192.0.2.1"},
      {"ts", "--type", "tsprespec", "--ts-address", "010.1.1.1", "192.0.2.1"},
      {"ping", "--src", "0xc6336407", "192.0.2.1"},
      {"revtr", "010.1.1.1", "--from", "ams01"},
      {"revtr", "192.0.2.1", "--from", "ams01", "--controller", "http://1.2:8080"},
      {"queue", "get", "--queue", "nats://010.1.1.1:4222"},
      {"keygen"},
  };
  for (const auto& arguments : wrong) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith("backsight: "));
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  }
}

// inet_aton's forms would be probed as 8.1.1.1, 1.0.0.2 and 198.51.100.7; the others are no names.
TEST_F(Cli, AsksNoResolverForWhatLooksLikeANumber) {
  for (const char* const text :
       {"010.1.1.1", "1.2", "1.2.3", "3325256711", "0xc6336407", "0xc6.0x33.100.7", "256.1.1.1",
        "1.2.3.4.5", "198.51.100.7.", "0", "host.1", "0x"}) {
    for (const char* const kind : {"ping", "rr", "ts", "trace"}) {
      const Ran ran = run({kind, text, "--queue", url_});
      EXPECT_EQ(ran.code, 2) << text;
      EXPECT_THAT(ran.err, HasSubstr(std::string(text) + ": no IPv4 address"));
      EXPECT_THAT(ran.err, HasSubstr("four numbers"));
    }
  }
}

TEST_F(Cli, SaysItsVersion) {
  const Ran ran = run({"--version"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, StartsWith("backsight "));
}

TEST_F(Cli, MakesAKeyOnce) {
  const std::string file = folder_ / "fleet.key";
  EXPECT_EQ(run({"keygen", file}).code, 0);
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const Ran again = run({"keygen", file});
  EXPECT_NE(again.code, 0);
  EXPECT_THAT(again.err, HasSubstr(file));
}

TEST_F(Cli, PutsGoodLinesAndNamesBadOnes) {
  const Ran ran = run({"queue", "put", "--queue", url_, "--vp", "ams01"},
                      "{\"id\":1,\"kind\":\"rr\",\"dst\":\"198.51.100.7\"}\n"
                      "\n"
                      "{\"id\":2,\"kind\":\"rr\"}\n"
                      "{\"id\":3,\"kind\":\"ping\",\"dst\":\"198.51.100.8\"}");
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "stdin:3: dst is missing\nbacksight: 2 tasks queued, 1 refused\n");
  const auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  std::vector<QueuedTask> tasks;
  std::vector<std::string> complaints;
  ASSERT_TRUE(queue->take(9, tasks, complaints));
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks[1].task.id, 3U);
}

TEST_F(Cli, PutsAFile) {
  const std::string file = folder_ / "tasks.jsonl";
  std::string lines;
  for (int id = 0; id < 1000; ++id) {
    lines += "{\"id\":" + std::to_string(id) + ",\"kind\":\"ping\",\"dst\":\"198.51.100.7\"}\n";
  }
  FILE* stream = fopen(file.c_str(), "w");
  fputs(lines.c_str(), stream);
  fclose(stream);
  const Ran ran = run({"queue", "put", "--queue", url_, "--vp", "ams01", file});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "backsight: 1000 tasks queued\n");
  EXPECT_EQ(run({"queue", "put", "--queue", url_, "--vp", "ams01", file + "x"}).code, 2);
}

TEST_F(Cli, GetsEachResultOnce) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(3);
  for (std::size_t i = 0; i < 3; ++i) batch.probes[i].task = i + 1;
  batch.observations.resize(1);
  ASSERT_TRUE(queue->put(batch));
  const Ran ran = run({"queue", "get", "--queue", url_, "--idle-ms", "30"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 4);
  EXPECT_THAT(ran.out, StartsWith(R"({"task":1,"vp":"ams01","kind":"ping",)"));
  EXPECT_THAT(ran.out, HasSubstr(R"({"observation":true,"vp":"ams01",)"));
  EXPECT_EQ(run({"queue", "get", "--queue", url_, "--idle-ms", "30"}).out, "");
  EXPECT_EQ(queue->spool().bytes, 0U);
}

TEST_F(Cli, KeepsWhatAClosedPipeDidNotTake) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(20'000);  // far more than a pipe holds
  ASSERT_TRUE(queue->put(batch));
  Command command({"queue", "get", "--queue", url_});
  ASSERT_TRUE(command.wait_for_output("\n"));
  command.close_output();
  const Ran ran = command.finish();
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
  const Ran again = run({"queue", "get", "--queue", url_, "--idle-ms", "30"});
  EXPECT_EQ(std::count(again.out.begin(), again.out.end(), '\n'), 20'000);
}

TEST_F(Cli, WaitsForAReaderThatPauses) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(20'000);
  ASSERT_TRUE(queue->put(batch));
  Command command({"queue", "get", "--queue", url_, "--idle-ms", "30"}, "",
                  Streams::kNonBlockingPipes);
  ASSERT_TRUE(command.wait_until_full());
  const Ran ran = command.finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 20'000);
  EXPECT_EQ(queue->spool().bytes, 0U) << "and they are its own";
}

TEST_F(Cli, DoesNotHangOnAReaderThatIsGoneToSleep) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(20'000);
  ASSERT_TRUE(queue->put(batch));
  for (const Streams streams : {Streams::kFile, Streams::kNonBlockingPipes}) {
    Command command({"queue", "get", "--queue", url_}, "", streams);
    ASSERT_TRUE(command.wait_until_full());
    command.signal(SIGTERM);
    const Ran ran = command.finish_unread();
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("come again"));
  }
  const Ran again = run({"queue", "get", "--queue", url_, "--idle-ms", "30"});
  EXPECT_EQ(std::count(again.out.begin(), again.out.end(), '\n'), 20'000);
}

TEST_F(Cli, WaitsForAWriterThatPauses) {
  const auto task = [](int id) {
    return "{\"id\":" + std::to_string(id) + ",\"kind\":\"ping\",\"dst\":\"198.51.100.7\"}\n";
  };
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  Command command({"queue", "put", "--queue", url_, "--vp", "ams01"}, "",
                  Streams::kNonBlockingPipes);
  std::vector<QueuedTask> tasks;
  std::vector<std::string> complaints;
  for (int id = 1; id <= 3; ++id) {
    command.put_input(task(id) + task(id + 10).substr(0, 20));
    while (tasks.size() < 2U * static_cast<unsigned>(id) - 1) {
      ASSERT_TRUE(queue->take(9, tasks, complaints));
    }
    command.put_input(task(id + 10).substr(20));
    while (tasks.size() < 2U * static_cast<unsigned>(id)) {
      ASSERT_TRUE(queue->take(9, tasks, complaints));
    }
  }
  command.close_input();
  const Ran ran = command.finish();
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "backsight: 6 tasks queued\n");
}

TEST_F(Cli, QueuesWhatWasReadBeforeItsInputBroke) {
  const std::string line = "{\"id\":1,\"kind\":\"rr\",\"dst\":\"198.51.100.7\"}\n";
  const Ran long_line = run({"queue", "put", "--queue", url_, "--vp", "ams01"},
                            line + std::string(300'000, 'x') + "\n" + line);
  EXPECT_EQ(long_line.code, 2);
  EXPECT_THAT(long_line.err, HasSubstr("stdin:2: the line is longer"));
  EXPECT_THAT(long_line.err, HasSubstr("2 tasks queued, 1 refused"));
  const Ran folder = run({"queue", "put", "--queue", url_, "--vp", "ams01", folder_});
  EXPECT_EQ(folder.code, 1);
  EXPECT_THAT(folder.err, HasSubstr("cannot be read: Is a directory"));
}

// Exit code of `backsight` with these arguments and the shell's redirections.
int code_in_shell(const std::string& line) {
  const std::string command = std::string(BACKSIGHT_PROGRAM) + " " + line;
  return WEXITSTATUS(std::system(command.c_str()));
}

TEST_F(Cli, KeepsWhatAStreamThatIsBrokenDidNotTake) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(3);
  ASSERT_TRUE(queue->put(batch));
  const std::string get = "queue get --idle-ms 30 --queue " + url_;
  EXPECT_EQ(code_in_shell(get + " > /dev/full 2> /dev/null"), 1);
  EXPECT_EQ(code_in_shell(get + " 2> /dev/null >&-"), 1);
  EXPECT_EQ(code_in_shell(get + " > /dev/full 2> /dev/full"), 1);
  EXPECT_EQ(code_in_shell("--help > /dev/full 2> /dev/null"), 1);
  EXPECT_EQ(code_in_shell("vp list --queue " + url_ + " > /dev/full 2> /dev/null"), 1);
  EXPECT_EQ(code_in_shell("queue put --vp ams01 --queue " + url_ + " 2> /dev/null <&-"), 1);
  const Ran again = run({"queue", "get", "--queue", url_, "--idle-ms", "30"});
  EXPECT_EQ(std::count(again.out.begin(), again.out.end(), '\n'), 3);
}

// What a full disk took of them would be there twice.
TEST_F(Cli, CutsAFileThatDidNotTakeAllBackToWhatItWas) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(3000);
  ASSERT_TRUE(queue->put(batch));
  const std::string file = folder_ / "results.jsonl";
  // A limit that is not death: the signal is ignored.
  const std::string small = "trap '' XFSZ; ulimit -f 100; ";
  const std::string get =
      std::string(BACKSIGHT_PROGRAM) + " queue get --idle-ms 30 --queue " + url_ + " >> " + file;
  ASSERT_EQ(std::system(("echo before > " + file).c_str()), 0);
  const std::string limited = "sh -c \"" + small + get + " 2> /dev/null\"";
  EXPECT_EQ(WEXITSTATUS(std::system(limited.c_str())), 1);
  EXPECT_EQ(std::filesystem::file_size(file), 7U);
  EXPECT_EQ(std::system(get.c_str()), 0);
  std::ifstream lines(file);
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(lines), {}, '\n'), 3001);
}

TEST_F(Cli, EndsCleanlyOnASignal) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  tasks::ResultBatch batch;
  batch.probes.resize(1);
  for (const int number : {SIGINT, SIGTERM}) {
    ASSERT_TRUE(queue->put(batch));
    Command command({"queue", "get", "--queue", url_, "--idle-ms", "600000"});
    ASSERT_TRUE(command.wait_for_output("\n"));
    command.signal(number);
    EXPECT_EQ(command.finish().code, 0);
  }
}

TEST_F(Cli, GetsNothingTwiceWhenItIsKilled) {
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  std::string seen;
  for (int round = 0; round < 10; ++round) {
    tasks::ResultBatch batch;
    batch.probes.resize(1);
    batch.probes[0].task = static_cast<std::uint64_t>(round) + 1;
    ASSERT_TRUE(queue->put(batch));
    Command command({"queue", "get", "--queue", url_, "--idle-ms", "600000"});
    ASSERT_TRUE(command.wait_for_output("\n"));
    // Committed once nothing waits any more.
    while (queue->spool().bytes > 0) std::this_thread::yield();
    command.signal(SIGKILL);
    seen += command.finish().out;
  }
  for (int id = 1; id <= 10; ++id) {
    const std::string line = "{\"task\":" + std::to_string(id) + ",";
    const auto first = seen.find(line);
    ASSERT_NE(first, std::string::npos) << id;
    EXPECT_EQ(seen.find(line, first + 1), std::string::npos) << id;
  }
}

TEST_F(Cli, PingsThroughAVantagePoint) {
  const PlayedVp vp(url_, reply);
  const Ran ran = run({"ping", "--queue", url_, "198.51.100.7", "localhost"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("ping 198.51.100.7: reply from 198.51.100.7: ttl=58 "
                                 "time=12.346 ms\n"));
  EXPECT_THAT(ran.out, HasSubstr("ping localhost (127.0.0.1): reply from 127.0.0.1:"));
  const Ran json = run({"ping", "--queue", url_, "--vp", "ams01", "--json", "198.51.100.7"});
  EXPECT_THAT(json.out, HasSubstr(R"("kind":"ping","src":"192.0.2.10","dst":"198.51.100.7",)"));
}

TEST_F(Cli, SplitsARecordedRoute) {
  const PlayedVp vp(url_, [](const QueuedTask& task, tasks::ResultBatch& batch) {
    ProbeResult result = answer_to(task);
    result.recorded.what = tasks::Recorded::What::kRoute;
    result.recorded.slots = 9;
    result.recorded.count = 4;
    result.recorded.addresses = {address("203.0.113.1"), address("203.0.113.2"), task.task.dst,
                                 address("203.0.113.3")};
    batch.probes.push_back(result);
  });
  const Ran ran = run({"rr", "--queue", url_, "198.51.100.7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, EndsWith("   1  203.0.113.1      forward\n"
                                "   2  203.0.113.2      forward\n"
                                "   3  198.51.100.7     destination\n"
                                "   4  203.0.113.3      reverse\n"
                                "      (5 of 9 slots empty)\n"));
}

TEST_F(Cli, ShowsTimestamps) {
  const PlayedVp vp(url_, [](const QueuedTask& task, tasks::ResultBatch& batch) {
    EXPECT_EQ(task.task.prespecified_count, 2U);
    ProbeResult result = answer_to(task);
    result.recorded.what = tasks::Recorded::What::kTimestamps;
    result.recorded.timestamp = probes::TimestampType::kPrespecified;
    result.recorded.slots = 2;
    result.recorded.count = 1;
    result.recorded.addresses[0] = task.task.prespecified[0];
    result.recorded.milliseconds[0] = 3'723'004;
    batch.probes.push_back(result);
  });
  const Ran ran = run({"ts", "--queue", url_, "--type", "tsprespec", "--ts-address", "203.0.113.1",
                       "--ts-address", "203.0.113.2", "198.51.100.7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, EndsWith("   1  203.0.113.1      01:02:03.004\n"));
}

TEST_F(Cli, PrintsATraceAsTracerouteDoes) {
  const PlayedVp vp(url_, [](const QueuedTask& task, tasks::ResultBatch& batch) {
    EXPECT_EQ(task.task.method, probes::TraceMethod::kUdp);
    EXPECT_EQ(task.task.max_ttl, 9U);
    tasks::TraceResult trace{answer_to(task), {}};
    trace.head.kind = probes::Kind::kTrace;
    trace.head.method = task.task.method;
    trace.head.outcome = Outcome::kReached;
    tasks::Hop hop;
    hop.ttl = 2;
    trace.hops.push_back(hop);
    hop.has_reply = true;
    hop.rtt_ns = 2'000'000;
    hop.reply = {address("198.51.100.7"), probes::ReplyType::kUnreachable, 60, 3, 3};
    trace.hops.push_back(hop);
    hop.ttl = 1;
    hop.rtt_ns = 1'000'000;
    hop.reply = {address("203.0.113.1"), probes::ReplyType::kTimeExceeded, 255, 11, 0};
    trace.hops.push_back(hop);
    batch.traces.push_back(trace);
  });
  const Ran ran =
      run({"trace", "--queue", url_, "--method", "udp", "--max-ttl", "9", "198.51.100.7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "trace 198.51.100.7, udp\n"
            "  1  203.0.113.1  1.000 ms\n"
            "  2  *  198.51.100.7  2.000 ms [unreachable (code 3)]\n"
            "     reached\n");
}

TEST_F(Cli, FailsWhenTheProbeWasRefused) {
  const PlayedVp vp(url_, [](const QueuedTask& task, tasks::ResultBatch& batch) {
    ProbeResult result = answer_to(task);
    result.outcome = Outcome::kRefused;
    result.reason = tasks::Reason::kNotEnrolled;
    result.has_reply = false;
    batch.probes.push_back(result);
  });
  const Ran ran = run({"ping", "--queue", url_, "--src", "192.0.2.77", "198.51.100.7"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "ping 198.51.100.7: refused: not_enrolled\n");
}

TEST_F(Cli, NamesTheVantagePointsItKnows) {
  const Ran none = run({"ping", "--queue", url_, "198.51.100.7"});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.err, "backsight: no vantage point in queue " + url_ + "\n");
  ASSERT_TRUE(queue::open_vp_queue(url_, "ams01"));
  const Ran other = run({"ping", "--queue", url_, "--vp", "lhr01", "198.51.100.7"});
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(other.err, "backsight: no vantage point lhr01 in queue " + url_ + "; known: ams01\n");
  ASSERT_TRUE(queue::open_vp_queue(url_, "fra02"));
  const Ran which = run({"ping", "--queue", url_, "198.51.100.7"});
  EXPECT_EQ(which.code, 2);
  EXPECT_EQ(which.err, "backsight: --vp is missing; known: ams01, fra02\n");
}

TEST_F(Cli, ListsVantagePoints) {
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  auto queue = std::move(*queue::open_vp_queue(url_, "ams01"));
  ASSERT_TRUE(queue->announce(
      R"({"vp":"ams01","id":1,"version":"0.1.0","state":"not_ready","why":["no gateway"],)"
      R"("started_at_ns":)" +
      std::to_string(now - 7'300'000'000'000) + R"(,"updated_at_ns":)" + std::to_string(now) +
      R"(,"ports":[{"device":"net_null0","address":"192.0.2.10","mac":"02:00:00:00:00:01"}],)"
      R"("rates":{"asked_pps":10000,"sent_pps":9},"tasks":{"accepted":3,"refused":1,"done":2},)"
      R"("in_flight":1,"in_flight_capacity":1024,"spool_bytes":77})"));
  auto other = std::move(*queue::open_vp_queue(url_, "fra02"));
  ASSERT_TRUE(other->announce(R"({"state":"ready","updated_at_ns":)" +
                              std::to_string(now - 3'600'000'000'000) + "}"));
  auto broken = std::move(*queue::open_vp_queue(url_, "lhr03"));
  ASSERT_TRUE(broken->announce(R"({"state":)"));
  const Ran list = run({"vp", "list", "--queue", url_});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("NAME   STATE      HEARD"));
  EXPECT_THAT(list.out,
              testing::ContainsRegex("ams01  not_ready  (now|[1-9] s ago) +192.0.2.10 +9 "));
  EXPECT_THAT(list.out, testing::ContainsRegex("fra02  silent     60 min ago"));
  EXPECT_THAT(list.out, testing::ContainsRegex("lhr03  unknown    never"));
  const Ran status = run({"vp", "status", "--queue", url_, "ams01"});
  EXPECT_EQ(status.code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("no gateway"));
  EXPECT_THAT(status.out, HasSubstr("9 of 10000"));
  EXPECT_THAT(status.out, HasSubstr("2 h ago"));
  const Ran json = run({"vp", "list", "--queue", url_, "--json"});
  EXPECT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 3);
  EXPECT_THAT(json.out, EndsWith("{\"vp\":\"lhr03\"}\n"));
  EXPECT_EQ(run({"vp", "status", "--queue", url_, "xxx99"}).code, 1);
}

}  // namespace
}  // namespace backsight::cli
