// backsight-vp as a program: what it says, how it ends, and that each task gets its one result.
#include "program.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <set>

namespace backsight::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// --- what it refuses ----------------------------------------------------------------------------

class VpRefuses : public VpFolder {
 protected:
  VpRefuses() { write("tasks.jsonl", ping_line(1)); }
  void expect_key_refused(const std::string& setting, const std::vector<std::string>& words) const {
    expect_refused({"--tasks", "tasks.jsonl", "--set", setting}, words);
  }
  void expect_file_refused(const std::string& line, const std::vector<std::string>& words) {
    write("vp.yaml", read("vp.yaml") + line + "\n");
    expect_refused({"--tasks", "tasks.jsonl"}, words);
  }
};

TEST_F(VpRefuses, AnUnknownKey) { expect_file_refused("colour: blue", {"vp.yaml:24", "colour"}); }

TEST_F(VpRefuses, AValueOfAnotherType) {
  expect_key_refused("rates.total_pps=many", {"rates.total_pps", "many"});
}

TEST_F(VpRefuses, ABadAddress) {
  expect_key_refused("ports.0.address=192.0.2.300/24", {"ports.0.address", "192.0.2.300"});
}

TEST_F(VpRefuses, AGatewayThatIsNoOtherHost) {
  expect_key_refused("ports.0.gateway=192.0.2.10", {"gateway", "192.0.2.10", "own address"});
  expect_key_refused("ports.0.gateway=192.0.2.255", {"gateway", "192.0.2.255", "192.0.2.0/24"});
}

TEST_F(VpRefuses, TwoPortsAlike) {
  std::string config = read("vp.yaml");
  config.replace(config.find("ports:\n"), 7,
                 "ports:\n  - device: net_null0\n    address: 192.0.2.11/24\n");
  write("vp.yaml", config);
  expect_refused({"--tasks", "tasks.jsonl"}, {"vp.yaml:", "net_null0"});
}

TEST_F(VpRefuses, AnInflightThatIsNoPowerOfTwo) {
  expect_key_refused("engine.inflight=1000", {"engine.inflight", "power of two"});
}

TEST_F(VpRefuses, AnInterfaceThatIsNotThere) {
  for (const char* const driver : {"net_af_packet0", "net_af_xdp0"}) {
    expect_key_refused(std::string("ports.0.device=") + driver + ",iface=nosuch",
                       {driver, "no interface nosuch", "ip link"});
    expect_key_refused(std::string("ports.0.device=") + driver, {driver, "no interface named"});
  }
}

TEST_F(VpRefuses, AContainerThatAllowsTooLittle) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can take capabilities away";
  const Ran ran =
      Program(folder_, "setpriv",
              {"--bounding-set", "-net_admin", "--inh-caps", "-net_admin", BACKSIGHT_VP, "--config",
               "vp.yaml", "--tasks", "tasks.jsonl", "--set", "ports.0.device=net_tap0"})
          .finish();
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, StartsWith("backsight-vp: port net_tap0: this process lacks CAP_NET_ADMIN"));
}

TEST_F(VpRefuses, ADeviceThatIsNotThere) {
  expect_key_refused("ports.0.device=0000:ff:1f.7", {"0000:ff:1f.7", "no such device", "devbind"});
  expect_key_refused("ports.0.device=net_nosuch0", {"net_nosuch0", "DPDK"});
  expect_key_refused("ports.0.device=net_pcap0,rx_pcap=nosuch.pcap", {"net_pcap0", "says above"});
}

TEST_F(VpRefuses, TooFewHugepagesWhereTheyAreRequired) {
  Arguments arguments = {"--tasks", "tasks.jsonl", "--set", "engine.hugepages=required"};
  const Ran ran = run(arguments);
  if (ran.code == 0) GTEST_SKIP() << "this machine has enough of them";
  expect_refused(arguments, {"engine.hugepages", "required", "vm.nr_hugepages="});
}

TEST_F(VpRefuses, ACoreThatIsNotItsOwn) {
  expect_key_refused("engine.workers=1000", {"engine.workers", "core 1000", "may run on"});
  expect_key_refused("engine.control=1001", {"engine.control", "core 1001"});
}

TEST_F(VpRefuses, AKeyThatIsMissingOrOpenToOthers) {
  expect_key_refused("identity.key_file=nosuch.key", {"nosuch.key", "keygen"});
  std::filesystem::permissions(folder_ / "fleet.key", std::filesystem::perms(0644));
  expect_refused({"--tasks", "tasks.jsonl"}, {"fleet.key", "chmod 600"});
}

TEST_F(VpRefuses, ADenyListWithABadLine) {
  write("deny.txt", "192.0.2.0/24\n10.0.0.0/33\n");
  expect_key_refused("deny=deny.txt", {"deny.txt:2", "10.0.0.0/33"});
  expect_key_refused("deny=nosuch.txt", {"nosuch.txt"});
}

TEST_F(VpRefuses, AnEnrolmentWithABadLine) {
  write("enrolled.yaml", "enrolled:\n  - 198.51.100.7\n  - 198.51.100\n");
  expect_key_refused("spoofing.enrolled=enrolled.yaml", {"enrolled.yaml:3", "198.51.100"});
}

TEST_F(VpRefuses, TaskAndResultFilesItMayNotTouch) {
  expect_refused({"--tasks", "nosuch.jsonl"}, {"nosuch.jsonl", "--tasks"});
  expect_refused({"--tasks", "tasks.jsonl", "--results", "nosuch/results.jsonl"},
                 {"--results", "nosuch/results.jsonl"});
}

TEST_F(VpRefuses, ACaptureFileItMayNotWrite) {
  expect_refused({"--tasks", "tasks.jsonl", "--dry-run", "nosuch/out.pcap"}, {"nosuch/out.pcap"});
}

TEST_F(VpRefuses, ToRunWithoutAnythingToDo) {
  expect_refused({}, {"queue.url", "--tasks"});
  expect_refused({"--dry-run", "out.pcap"}, {"--dry-run", "--tasks"});
}

TEST_F(VpRefuses, AWrongCommandLine) {
  for (const Arguments& arguments :
       {Arguments{"--nonsense"}, Arguments{"--tasks"}, Arguments{"--tasks", "tasks.jsonl", "more"},
        Arguments{"--linger-ms", "soon"}}) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_NE(ran.err, "");
  }
  EXPECT_EQ(Program(folder_, BACKSIGHT_VP, {}).finish().code, 2) << "no config";
}

TEST_F(VpRefuses, AllThatIsWrongInAConfigAtOnce) {
  const Ran ran = run(
      {"--check-config", "--set", "engine.inflight=1000", "--set", "id=0", "--set", "name=UPPER"});
  EXPECT_EQ(ran.code, 2);
  for (const char* const key : {"engine.inflight", "id", "name"}) {
    EXPECT_THAT(ran.err, HasSubstr(std::string("--set ") + key + ": "));
  }
}

// --- what it prints -----------------------------------------------------------------------------

TEST_F(VpFolder, ChecksAndPrintsItsConfig) {
  const Ran checked = run({"--check-config"});
  EXPECT_EQ(checked.code, 0);
  EXPECT_THAT(checked.out, HasSubstr("no fault"));
  const Ran printed = run({"--print-config", "--set", "rates.total_pps=77"});
  EXPECT_EQ(printed.code, 0);
  EXPECT_EQ(printed.err, "");
  EXPECT_THAT(printed.out, HasSubstr("total_pps: 77"));
  write("vp.yaml", printed.out);
  EXPECT_EQ(run({"--print-config"}).out, printed.out) << "what it prints is a config";
}

TEST_F(VpFolder, TellsItsVersionAndHelp) {
  const Ran version = Program(folder_, BACKSIGHT_VP, {"--version"}).finish();
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, StartsWith("backsight-vp "));
  const Ran help = Program(folder_, BACKSIGHT_VP, {"--help"}).finish();
  EXPECT_EQ(help.code, 0);
  for (const char* const word :
       {"--config", "--set", "--tasks", "--results", "--linger-ms", "--dry-run", "--check-config",
        "--print-config", "--skip", "Exit codes", "Examples"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
}

// --- what it does -------------------------------------------------------------------------------

TEST_F(VpFolder, AnswersEachTaskOnce) {
  std::string tasks;
  for (std::uint64_t id = 1; id <= 3000; ++id) tasks += ping_line(id, 10);
  tasks +=
      "{\"id\":5000,\"kind\":\"trace\",\"dst\":\"198.51.100.7\",\"timeout_ms\":5,\"gap_limit\":3}"
      "\n";
  tasks += "{\"id\":5001,\"kind\":\"rr\",\"dst\":\"198.51.100.7\",\"src\":\"203.0.113.1\"}\n";
  tasks += "{\"id\":5002,\"kind\":\"ping\",\"dst\":\"127.0.0.1\"}\n";
  write("tasks.jsonl", tasks);
  const Ran ran = run({"--tasks", "tasks.jsonl", "--results", "results.jsonl"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
  std::map<std::string, int> outcomes;
  std::set<std::uint64_t> ids;
  for (const auto& line : lines(read("results.jsonl"))) {
    EXPECT_TRUE(ids.insert(line["task"].get<std::uint64_t>()).second) << line;
    EXPECT_EQ(line["vp"], "test01");
    ++outcomes[line["outcome"].get<std::string>()];
  }
  EXPECT_EQ(ids.size(), 3003U);
  EXPECT_EQ(outcomes["timed_out"], 3000);
  EXPECT_EQ(outcomes["gap_limit"], 1);
  EXPECT_EQ(outcomes["refused"], 2);
}

TEST_F(VpFolder, ReadsTasksFromAndWritesResultsToItsStreams) {
  const Ran ran = run({"--tasks", "-"}, ping_line(1) + ping_line(2));
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(lines(ran.out).size(), 2U);
}

TEST_F(VpFolder, EndsAtOnceWhenThereAreNoTasks) {
  const Ran ran = run({"--tasks", "-"}, "");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
}

TEST_F(VpFolder, RunsTheGoodLinesOfABadFileAndEndsWithTwo) {
  write("tasks.jsonl", ping_line(1) + "{\"id\":2,\"kind\":\"pong\",\"dst\":\"198.51.100.7\"}\n" +
                           "nonsense\n" + ping_line(3));
  const Ran ran = run({"--tasks", "tasks.jsonl"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("tasks.jsonl:2: "));
  EXPECT_THAT(ran.err, HasSubstr("pong"));
  EXPECT_THAT(ran.err, HasSubstr("tasks.jsonl:3: "));
  std::map<int, std::string> outcomes;
  for (const auto& line : lines(ran.out)) outcomes[line["task"]] = line["outcome"];
  EXPECT_EQ(outcomes,
            (std::map<int, std::string>{{1, "timed_out"}, {2, "refused"}, {3, "timed_out"}}));
}

TEST_F(VpFolder, RefusesAnIdThatWasThereBeforeAndEndsWithTwo) {
  const Ran ran = run({"--tasks", "-"}, ping_line(1) + ping_line(2) + ping_line(1));
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("task 1 on line 3"));
  int refused = 0;
  for (const auto& line : lines(ran.out)) refused += line["outcome"] == "refused" ? 1 : 0;
  EXPECT_EQ(lines(ran.out).size(), 3U);
  EXPECT_EQ(refused, 1);
}

TEST_F(VpFolder, EndsWithOneWhenTheResultsCannotBeWritten) {
  write("tasks.jsonl", ping_line(1));
  const Ran ran = run({"--tasks", "tasks.jsonl", "--results", "/dev/full"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("/dev/full cannot be written: No space left on device"));
}

TEST_F(VpFolder, EndsWithOneWhenTheTasksCannotBeRead) {
  const Ran ran = run({"--tasks", "."});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("cannot be read: Is a directory"));
  EXPECT_LT(ran.err.size(), 1000U) << "it says so once";
}

TEST_F(VpFolder, LeavesAtOnceWhenItIsToldTwice) {
  auto program = start({"--tasks", "-"}, ping_line(1, 1) + ping_line(2, 60'000));
  ASSERT_TRUE(program->wait_for("timed_out"));
  program->signal(SIGTERM);
  program->signal(SIGINT);
  const Ran ran = program->finish();
  // Told once, it has waited for the second task; told twice in time, it has not.
  EXPECT_LT(ran.code, 2);
}

TEST_F(VpFolder, GoesOnAfterTheKillSwitchIsLifted) {
  auto program = start({"--tasks", "-", "--set", "rates.total_pps=50"}, [] {
    std::string tasks;
    for (std::uint64_t id = 1; id <= 10; ++id) tasks += ping_line(id, 1);
    return tasks;
  }());
  ASSERT_TRUE(program->wait_for("timed_out"));
  program->signal(SIGUSR1);
  program->signal(SIGUSR2);
  program->signal(SIGUSR2);  // in case the first was handled before the other
  const Ran ran = program->finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(lines(ran.out).size(), 10U);
}

// A port whose frames come back to itself: it sees its own, and answers none.
TEST_F(VpFolder, RunsOnARingThatReturnsItsOwnFrames) {
  const Ran ran = run({"--tasks", "-", "--set", "ports.0.device=net_ring0"}, ping_line(1));
  EXPECT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(lines(ran.out).size(), 1U);
  EXPECT_EQ(lines(ran.out)[0]["outcome"], "timed_out");
}

// --- dry runs -----------------------------------------------------------------------------------

bool is_installed(const char* program) {
  return std::system((std::string("command -v ") + program + " > /dev/null 2>&1").c_str()) == 0;
}

class VpDryRun : public VpFolder {
 protected:
  // Fields of each packet as tshark sees them, separated by tabs.
  [[nodiscard]] std::string dissect(const Arguments& fields) const {
    Arguments arguments = {"-n",
                           "-r",
                           "out.pcap",
                           "-T",
                           "fields",
                           "-o",
                           "ip.check_checksum:TRUE",
                           "-o",
                           "udp.check_checksum:TRUE",
                           "-o",
                           "tcp.check_checksum:TRUE"};
    for (const std::string& field : fields) arguments.insert(arguments.end(), {"-e", field});
    return Program(folder_, "tshark", arguments).finish().out;
  }
};

TEST_F(VpDryRun, WritesEachProbeWithChecksumsThatAreRight) {
  std::string tasks =
      "{\"id\":1,\"kind\":\"ping\",\"dst\":\"198.51.100.7\",\"ttl\":9}\n"
      "{\"id\":2,\"kind\":\"rr\",\"dst\":\"198.51.100.8\"}\n"
      "{\"id\":3,\"kind\":\"ts\",\"dst\":\"198.51.100.9\"}\n";
  for (const char* const method : {"icmp", "udp", "tcp"}) {
    tasks +=
        std::string("{\"id\":") + std::to_string(tasks.size()) +
        ",\"kind\":\"trace\",\"dst\":\"203.0.113.1\",\"max_ttl\":2,\"attempts\":1,\"method\":\"" +
        method + "\"}\n";
  }
  const Ran ran = run({"--tasks", "-", "--dry-run", "out.pcap"}, tasks);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(lines(ran.out).size(), 6U);
  if (!is_installed("tshark")) GTEST_SKIP() << "tshark is not installed: the capture is not read";
  // 1: the checksum is good.
  const std::string statuses = dissect(
      {"ip.checksum.status", "icmp.checksum.status", "udp.checksum.status", "tcp.checksum.status"});
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), '\n'), 9) << statuses;
  EXPECT_EQ(statuses.find('0'), std::string::npos) << statuses;
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), '1'), 18) << statuses;
  EXPECT_EQ(dissect({"_ws.malformed"}).find_first_not_of("\n"), std::string::npos);
  const std::string route =
      dissect({"ip.dst", "ip.opt.type", "ip.opt.len", "ip.opt.ptr", "ip.ttl"});
  EXPECT_THAT(route, HasSubstr("198.51.100.7\t\t\t\t9\n"));
  EXPECT_THAT(route, HasSubstr("198.51.100.8\t7,0\t39\t4\t64\n"));
  EXPECT_THAT(route, HasSubstr("198.51.100.9\t68\t36\t5\t64\n"));
  EXPECT_THAT(dissect({"eth.dst"}), StartsWith("02:00:00:00:00:01\n"));
}

TEST_F(VpDryRun, NeedsNoDeviceNoGatewayAndNoTime) {
  const Ran ran = run({"--tasks", "-", "--dry-run", "out.pcap", "--set",
                       "ports.0.device=0000:ff:1f.7", "--set", "ports.0.gateway_mac="},
                      ping_line(1, 60'000));
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_GT(std::filesystem::file_size(folder_ / "out.pcap"), 24U);
}

// --- the queue ----------------------------------------------------------------------------------

#ifdef BACKSIGHT_CLI
TEST_F(VpFolder, ServesAQueueUntilItIsToldToStop) {
  const std::string url = "file://" + (folder_ / "queue").string();
  std::filesystem::create_directory(folder_ / "queue");
  auto program = start({"--set", "queue.url=" + url});
  std::string tasks;
  for (std::uint64_t id = 1; id <= 200; ++id) tasks += ping_line(id, 10);
  const Ran put =
      Program(folder_, BACKSIGHT_CLI, {"queue", "put", "--queue", url, "--vp", "test01"}, tasks)
          .finish();
  ASSERT_EQ(put.code, 0) << put.err;
  Program reader(folder_, BACKSIGHT_CLI,
                 {"queue", "get", "--queue", url, "--vp", "test01", "--idle-ms", "600000"});
  ASSERT_TRUE(reader.wait_for_lines(200));
  reader.signal(SIGTERM);
  const Ran got = reader.finish();
  EXPECT_EQ(got.code, 0) << got.err;
  std::set<std::uint64_t> ids;
  for (const auto& line : lines(got.out)) {
    EXPECT_TRUE(ids.insert(line["task"].get<std::uint64_t>()).second);
    EXPECT_EQ(line["outcome"], "timed_out");
  }
  EXPECT_EQ(ids.size(), 200U);
  program->signal(SIGTERM);
  const Ran ran = program->finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
}

// What was not sent when it had to stop is there for the next start.
TEST_F(VpFolder, KeepsTheTasksOfAQueueThatItDidNotProbe) {
  const std::string url = "file://" + (folder_ / "queue").string();
  std::filesystem::create_directory(folder_ / "queue");
  std::string tasks;
  for (std::uint64_t id = 1; id <= 300; ++id) tasks += ping_line(id, 10);
  ASSERT_EQ(
      Program(folder_, BACKSIGHT_CLI, {"queue", "put", "--queue", url, "--vp", "test01"}, tasks)
          .finish()
          .code,
      0);
  auto slow = start({"--set", "queue.url=" + url, "--set", "rates.total_pps=100"});
  Program reader(folder_, BACKSIGHT_CLI,
                 {"queue", "get", "--queue", url, "--vp", "test01", "--idle-ms", "600000"});
  ASSERT_TRUE(reader.wait_for("timed_out"));
  slow->signal(SIGTERM);
  EXPECT_EQ(slow->finish().code, 0);
  auto fast = start({"--set", "queue.url=" + url});
  ASSERT_TRUE(reader.wait_for_lines(300));
  reader.signal(SIGTERM);
  std::set<std::uint64_t> ids;
  for (const auto& line : lines(reader.finish().out)) {
    EXPECT_TRUE(ids.insert(line["task"].get<std::uint64_t>()).second) << line;
    EXPECT_EQ(line["outcome"], "timed_out");
  }
  EXPECT_EQ(ids.size(), 300U);
  fast->signal(SIGTERM);
  EXPECT_EQ(fast->finish().code, 0);
}
#endif

}  // namespace
}  // namespace backsight::engine
