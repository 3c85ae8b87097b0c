// What is wrong with the file as a whole: its syntax and its keys.
#include <gtest/gtest.h>

#include "lines.h"

namespace backsight::config {
namespace {

constexpr std::string_view kTopKeys =
    "name, id, ports, engine, rates, spoofing, deny, allow_bogons, identity, queue, metrics, "
    "capture, "
    "log";

TEST(VpFileFaults, ReportsBrokenYamlOnceWithItsLine) {
  EXPECT_EQ(faults_of(with({"engine: {workers: [1", "nonsense: ]"})),
            "vp.yaml:9: is no YAML here (end of sequence flow not found); write \"key: value\" "
            "lines, indented with blanks");
}

TEST(VpFileFaults, RefusesAnUnknownKey) {
  EXPECT_EQ(faults_of(with({"colour: blue"})),
            "vp.yaml:8: colour: is no key; those here are " + std::string(kTopKeys));
}

TEST(VpFileFaults, AsksWhetherACloseKeyWasMeant) {
  EXPECT_EQ(faults_of(with({"rates:", "  totl_pps: 5"})),
            "vp.yaml:9: rates.totl_pps: is no key; did you mean rates.total_pps?");
}

TEST(VpFileFaults, AsksWhetherTwoLettersWereSwapped) {
  EXPECT_EQ(faults_of(with({"dney: deny.txt"})), "vp.yaml:8: dney: is no key; did you mean deny?");
}

TEST(VpFileFaults, AsksWhetherAKeyOfAnotherSectionWasMeant) {
  EXPECT_EQ(faults_of(with({"inflight: 64"})),
            "vp.yaml:8: inflight: is no key; did you mean engine.inflight?");
}

TEST(VpFileFaults, ListsTheKeysOfASection) {
  EXPECT_EQ(
      faults_of(with({"queue:", "  broker: x"})),
      "vp.yaml:9: queue.broker: is no key; those here are url, credentials, tls_ca, tls_cert, "
      "tls_key, spool, spool_limit_mib");
}

TEST(VpFileFaults, RefusesAnUnknownKeyOfAPort) {
  EXPECT_EQ(faults_of(with_line(5, "    adress: 192.0.2.10/24")),
            "vp.yaml:4: ports.0.address: is missing; write the port's address and the prefix "
            "length of its link, such as 192.0.2.10/24\n"
            "vp.yaml:5: ports.0.adress: is no key; did you mean address?");
}

TEST(VpFileFaults, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(faults_of(with({"id: 2"})),
            "vp.yaml:8: id: stands here again, first on line 2; keep one of them");
}

TEST(VpFileFaults, RefusesAKeyOfASectionThatStandsTwice) {
  EXPECT_EQ(faults_of(with({"rates:", "  rr_pps: 1", "  rr_pps: 1"})),
            "vp.yaml:10: rates.rr_pps: stands here again, first on line 9; keep one of them");
}

TEST(VpFileFaults, RefusesASectionThatStandsTwice) {
  EXPECT_EQ(faults_of(with({"identity: {}"})),
            "vp.yaml:8: identity: stands here again, first on line 6; keep one of them");
}

TEST(VpFileFaults, RefusesAValueWhereASectionBelongs) {
  EXPECT_EQ(
      faults_of(with({"queue: file:///q"})),
      "vp.yaml:8: queue: is a section, not a value; write keys below it, of url, credentials, "
      "tls_ca, tls_cert, tls_key, spool, spool_limit_mib");
}

TEST(VpFileFaults, RefusesASectionWhereAValueBelongs) {
  EXPECT_EQ(faults_of(with({"deny:", "  file: deny.txt"})),
            "vp.yaml:8: deny: is a section here; write the path of the deny file, such as "
            "deny.txt");
}

TEST(VpFileFaults, RefusesAListWhereAValueBelongs) {
  EXPECT_EQ(faults_of(with({"deny: [deny.txt]"})),
            "vp.yaml:8: deny: is a list here; write the path of the deny file, such as deny.txt");
}

TEST(VpFileFaults, RefusesAKeyWithoutValue) {
  EXPECT_EQ(faults_of(with({"deny:"})),
            "vp.yaml:8: deny: has no value; write the path of the deny file, such as deny.txt");
  EXPECT_EQ(faults_of(with({"deny: \"\""})),
            "vp.yaml:8: deny: has no value; write the path of the deny file, such as deny.txt");
}

TEST(VpFileFaults, RefusesAnAlias) {
  EXPECT_EQ(faults_of(with({"deny: &here deny.txt", "spoofing:", "  enrolled: *here"})),
            "vp.yaml:10: holds a YAML alias (*), which is not read here; write its value out");
}

TEST(VpFileFaults, RefusesAKeyThatIsAList) {
  EXPECT_EQ(faults_of(with({"? [deny]", ": deny.txt"})),
            "vp.yaml:8: holds a key that is not one word; write \"key: value\"");
}

TEST(VpFileFaults, RefusesASecondDocument) {
  EXPECT_EQ(faults_of(with({"---", "id: 2"})),
            "vp.yaml: holds more than one YAML document; keep the first");
}

TEST(VpFileFaults, RefusesAFileWithoutKeys) {
  EXPECT_EQ(faults_of("- 1\n"), "vp.yaml:1: holds no keys; write \"key: value\" lines");
}

TEST(VpFileFaults, NamesEveryMissingKeyOfAnEmptyFile) {
  const std::string expected =
      "vp.yaml: name: is missing; write 1 to 63 of a-z, 0-9 and -, such as ams01\n"
      "vp.yaml: id: is missing; write the number of this vantage point, such as 1\n"
      "vp.yaml: ports: is missing; write a list of ports, each with its device and address, such "
      "as \"- device: 0000:3b:00.0\"\n"
      "vp.yaml: identity.key_file: is missing; write the path of the fleet's key, such as "
      "fleet.key";
  EXPECT_EQ(faults_of(""), expected);
  EXPECT_EQ(faults_of("# nothing\n"), expected);
  EXPECT_EQ(faults_of("~\n"), expected);
}

TEST(VpFileFaults, ReportsAllFaultsAtOnceInTheOrderOfTheirLines) {
  const Lines lines = {"name: Ams",
                       "id: 0",
                       "ports:",
                       "  - device: eth1",
                       "    address: 192.0.2.10/33",
                       "rates:",
                       "  total_pps: fast",
                       "engine:",
                       "  inflight: 1000"};
  EXPECT_EQ(faults_of(text_of(lines), {"engine.control=-1"}),
            "vp.yaml: identity.key_file: is missing; write the path of the fleet's key, such as "
            "fleet.key\n"
            "vp.yaml:1: name: \"Ams\" holds \"A\"; write 1 to 63 of a-z, 0-9 and -, such as ams01\n"
            "vp.yaml:2: id: \"0\" is not within 1..65535; write the number of this vantage point, "
            "such as 1\n"
            "vp.yaml:4: ports.0.device: \"eth1\" is no PCI address and no EAL virtual device; "
            "write a PCI address or an EAL virtual device, such as net_af_packet0,iface=eth1\n"
            "vp.yaml:5: ports.0.address: \"192.0.2.10/33\" has a prefix length that is not within "
            "0..32; write the port's address and the prefix length of its link, such as "
            "192.0.2.10/24\n"
            "vp.yaml:7: rates.total_pps: \"fast\" is not a whole number; write packets a second, "
            "such as 10000\n"
            "vp.yaml:9: engine.inflight: \"1000\" is not a power of two; write a power of two, "
            "64..67108864, such as 1048576\n"
            "--set engine.control: \"-1\" is not a whole number; write one core, such as 0");
}

TEST(VpFileFaults, KeepsAFaultOnOneLineWhateverTheKeyHolds) {
  EXPECT_EQ(faults_of(with({"\"a\\nb\": 1"})),
            "vp.yaml:8: a\\x0ab: is no key; those here are " + std::string(kTopKeys));
}

TEST(VpFileFaults, SurvivesNestingWithoutEnd) {
  EXPECT_NE(faults_of(std::string(100'000, '[')), "none");
  EXPECT_NE(faults_of(std::string(100'000, '{')), "none");
}

}  // namespace
}  // namespace backsight::config
