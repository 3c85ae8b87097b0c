// What is wrong with single values, outside the ports.
#include <gtest/gtest.h>

#include "lines.h"

namespace backsight::config {
namespace {

// What is said about `key` of `section` on line 9.
std::string said_of(const std::string& section, const std::string& key, const std::string& value) {
  const std::string said = faults_of(with({section + ":", "  " + key + ": " + value}));
  const std::string place = "vp.yaml:9: " + section + "." + key + ": ";
  return said.starts_with(place) ? said.substr(place.size()) : said;
}

TEST(VpValueFaults, RefusesANameWithOtherCharacters) {
  EXPECT_EQ(faults_of(with_line(1, "name: ams_01")),
            "vp.yaml:1: name: \"ams_01\" holds \"_\"; write 1 to 63 of a-z, 0-9 and -, such as "
            "ams01");
}

TEST(VpValueFaults, RefusesANameThatIsTooLong) {
  EXPECT_EQ(faults_of(with_line(1, "name: " + std::string(63, 'a'))), "none");
  EXPECT_EQ(faults_of(with_line(1, "name: " + std::string(64, 'a'))),
            "vp.yaml:1: name: \"" + std::string(60, 'a') +
                "...\" has 64 characters; write 1 to 63 of a-z, 0-9 and -, such as ams01");
}

TEST(VpValueFaults, RefusesAnIdOutsideItsRange) {
  const std::string remedy = "; write the number of this vantage point, such as 1";
  EXPECT_EQ(faults_of(with_line(2, "id: 0")),
            "vp.yaml:2: id: \"0\" is not within 1..65535" + remedy);
  EXPECT_EQ(faults_of(with_line(2, "id: 65536")),
            "vp.yaml:2: id: \"65536\" is not within 1..65535" + remedy);
  EXPECT_EQ(faults_of(with_line(2, "id: 99999999999999999999")),
            "vp.yaml:2: id: \"99999999999999999999\" is not within 1..65535" + remedy);
  EXPECT_EQ(faults_of(with_line(2, "id: 1.5")),
            "vp.yaml:2: id: \"1.5\" is not a whole number" + remedy);
}

TEST(VpValueFaults, RefusesARateThatIsNoNumber) {
  EXPECT_EQ(faults_of(with({"rates:", "  total_pps: fast"})),
            "vp.yaml:9: rates.total_pps: \"fast\" is not a whole number; write packets a second, "
            "such as 10000");
}

TEST(VpValueFaults, RefusesATotalRateOfZero) {
  EXPECT_EQ(said_of("rates", "total_pps", "0"),
            "\"0\" is not within 1..1000000000; write packets a second, such as 10000");
}

TEST(VpValueFaults, LetsOtherRatesBeSwitchedOff) {
  EXPECT_EQ(said_of("rates", "rr_pps", "0"), "none");
  EXPECT_EQ(said_of("rates", "per_destination_pps", "1000000001"),
            "\"1000000001\" is not within 0..1000000000; write packets a second, or 0 for no "
            "limit, such as 10");
}

TEST(VpValueFaults, RefusesASlotCountThatIsNoPowerOfTwo) {
  const std::string remedy = "; write a power of two, 64..67108864, such as 1048576";
  EXPECT_EQ(said_of("engine", "inflight", "1000000"), "\"1000000\" is not a power of two" + remedy);
  EXPECT_EQ(said_of("engine", "inflight", "32"), "\"32\" is not within 64..67108864" + remedy);
  EXPECT_EQ(said_of("engine", "inflight", "67108864"), "none");
}

TEST(VpValueFaults, RefusesOtherCountsOutsideTheirRange) {
  EXPECT_EQ(said_of("engine", "waiting", "63"),
            "\"63\" is not within 64..16777216; write a number of tasks, such as 65536");
  EXPECT_EQ(said_of("engine", "traces", "0"),
            "\"0\" is not within 1..1048576; write a number of traceroutes, such as 4096");
}

TEST(VpValueFaults, RefusesAnEmptyListOfWorkers) {
  EXPECT_EQ(said_of("engine", "workers", "[]"),
            "is an empty list; write a list of different cores, each below 1024, such as [2, 3]");
}

TEST(VpValueFaults, RefusesAWorkerThatStandsTwice) {
  EXPECT_EQ(said_of("engine", "workers", "[2, 3, 2]"),
            "core 2 stands twice; write a list of different cores, each below 1024, such as "
            "[2, 3]");
}

TEST(VpValueFaults, RefusesACoreOutsideItsRange) {
  EXPECT_EQ(said_of("engine", "workers", "[1024]"),
            "\"1024\" is not within 0..1023; write a list of different cores, each below 1024, "
            "such as [2, 3]");
  EXPECT_EQ(said_of("engine", "control", "1024"),
            "\"1024\" is not within 0..1023; write one core, such as 0");
}

TEST(VpValueFaults, RefusesWorkersThatAreNoList) {
  EXPECT_EQ(said_of("engine", "workers", "2"),
            "\"2\" is not a list; write a list of different cores, each below 1024, such as "
            "[2, 3]");
}

TEST(VpValueFaults, RefusesAListInAList) {
  EXPECT_EQ(said_of("engine", "workers", "[[2]]"),
            "holds a list or a section among its items; write a list of different cores, each "
            "below 1024, such as [2, 3]");
}

TEST(VpValueFaults, NamesTheLineOfEachBadItem) {
  EXPECT_EQ(faults_of(with({"engine:", "  workers:", "    - 1", "    - x", "    - y"})),
            "vp.yaml:11: engine.workers: \"x\" is not a whole number; write a list of different "
            "cores, each below 1024, such as [2, 3]\n"
            "vp.yaml:12: engine.workers: \"y\" is not a whole number; write a list of different "
            "cores, each below 1024, such as [2, 3]");
}

TEST(VpValueFaults, RefusesEalArgumentsThatAreNoListOfTexts) {
  const std::string remedy =
      "; write a list of EAL arguments, such as [\"--log-level=lib.eal:debug\"]";
  EXPECT_EQ(said_of("engine", "eal", "--no-pci"), "\"--no-pci\" is not a list" + remedy);
  EXPECT_EQ(said_of("engine", "eal", "[\"\"]"), "an argument is empty" + remedy);
  EXPECT_EQ(said_of("engine", "eal", "[{a: b}]"),
            "holds a list or a section among its items" + remedy);
}

TEST(VpValueFaults, RefusesUnknownWords) {
  EXPECT_EQ(said_of("engine", "idle", "sleep"),
            "\"sleep\" is not known here; write poll or adaptive");
  EXPECT_EQ(said_of("engine", "hugepages", "on"),
            "\"on\" is not known here; write auto, required or off");
  EXPECT_EQ(faults_of(with({"allow_bogons: yes"})),
            "vp.yaml:8: allow_bogons: \"yes\" is not known here; write true or false");
}

TEST(VpValueFaults, RefusesALogFormatThatIsNotKnown) {
  EXPECT_EQ(said_of("log", "format", "xml"), "\"xml\" is not known here; write text or json");
  EXPECT_EQ(said_of("log", "format", "json"), "none");
}

TEST(VpValueFaults, RefusesATelemetrySwitchThatIsNoSwitch) {
  EXPECT_EQ(said_of("engine", "telemetry", "on"), "\"on\" is not known here; write true or false");
  EXPECT_EQ(said_of("engine", "telemetry", "true"), "none");
}

TEST(VpValueFaults, RefusesControlCharacters) {
  EXPECT_EQ(faults_of(with({"deny: \"a\\nb\""})),
            "vp.yaml:8: deny: \"a\\x0ab\" holds a control character; write the path of the deny "
            "file, such as deny.txt");
}

TEST(VpValueFaults, RefusesOtherQueues) {
  const std::string remedy =
      "; write file:///DIRECTORY, nats://HOST:4222 or tls://HOST:4222, such as "
      "file:///var/lib/backsight";
  EXPECT_EQ(said_of("queue", "url", "http://host"),
            "\"http://host\" has no scheme that is known" + remedy);
  EXPECT_EQ(said_of("queue", "url", "/var/lib/backsight"),
            "\"/var/lib/backsight\" has no scheme that is known" + remedy);
  EXPECT_EQ(said_of("queue", "url", "file://queue"),
            "\"file://queue\" names no absolute path" + remedy);
  EXPECT_EQ(said_of("queue", "url", "nats://"), "\"nats://\" names no host" + remedy);
  for (const std::string host : {"010.1.1.1", "1.2", "0xc6336407"}) {
    EXPECT_EQ(
        said_of("queue", "url", "nats://" + host + ":4222"),
        "\"nats://" + host + ":4222\" has a host that is neither an address nor a name" + remedy);
    EXPECT_EQ(said_of("metrics", "listen", "\"" + host + ":9464\""),
              "\"" + host +
                  ":9464\" has a host that is neither an address nor a name; write host:port or "
                  "off, such as 127.0.0.1:9464");
  }
  EXPECT_EQ(said_of("queue", "url", "nats://host:0"),
            "\"nats://host:0\" has a port that is not within 1..65535" + remedy);
  EXPECT_EQ(said_of("queue", "url", "'nats://a,tls://b'"),
            "\"nats://a,tls://b\" has servers of different schemes" + remedy);
  // What may be a password is not repeated.
  EXPECT_EQ(said_of("queue", "url", "nats://me:secret@host/x"),
            "\"nats://host/x\" is not host:port" + remedy);
}

TEST(VpValueFaults, RefusesAListenAddressThatIsNoHostAndPort) {
  const std::string remedy = "; write host:port or off, such as 127.0.0.1:9464";
  for (const std::string value : {"9464", "127.0.0.1", ":9464", "::1:9464", "a/b:1"}) {
    EXPECT_EQ(said_of("metrics", "listen", "\"" + value + "\""),
              "\"" + value + "\" is not host:port" + remedy);
  }
  for (const std::string value :
       {"localhost:0", "localhost:65536", "localhost:", "localhost:http"}) {
    EXPECT_EQ(said_of("metrics", "listen", "\"" + value + "\""),
              "\"" + value + "\" has a port that is not within 1..65535" + remedy);
  }
}

}  // namespace
}  // namespace backsight::config
