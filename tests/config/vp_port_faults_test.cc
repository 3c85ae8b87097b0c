// What is wrong with the ports.
#include <gtest/gtest.h>

#include "lines.h"

namespace backsight::config {
namespace {

const std::string kAddressRemedy =
    "; write the port's address and the prefix length of its link, such as 192.0.2.10/24";
const std::string kGatewayRemedy =
    "; write the address of a router on the port's link, such as 192.0.2.1";

std::string address_said(const std::string& address) {
  const std::string said = faults_of(with_line(5, "    address: " + address));
  const std::string place = "vp.yaml:5: ports.0.address: ";
  return said.starts_with(place) ? said.substr(place.size()) : said;
}

// The good file whose port has these lines more; they begin at line 6.
std::string with_port_lines(const Lines& more) {
  Lines lines = good_lines();
  lines.insert(lines.begin() + 5, more.begin(), more.end());
  return text_of(lines);
}

TEST(VpPortFaults, RefusesPortsThatAreNoList) {
  const std::string expected =
      "vp.yaml:1: ports: is not a list of ports; write a list of ports, each with its device and "
      "address, such as \"- device: 0000:3b:00.0\"";
  const std::string rest = "\nname: a\nid: 1\nidentity: {key_file: k}\n";
  EXPECT_EQ(faults_of("ports: []" + rest), expected);
  EXPECT_EQ(faults_of("ports: eth1" + rest), expected);
  EXPECT_EQ(faults_of("ports: {device: net_null0}" + rest), expected);
  EXPECT_EQ(faults_of("ports:" + rest), expected);
}

TEST(VpPortFaults, RefusesAPortThatIsNoSection) {
  EXPECT_EQ(faults_of("ports: [net_null0]\nname: a\nid: 1\nidentity: {key_file: k}\n"),
            "vp.yaml:1: ports.0: is no port; write \"device: ...\" and \"address: ...\"");
}

TEST(VpPortFaults, RefusesMorePortsThanDpdkHas) {
  std::string text = "name: a\nid: 1\nidentity: {key_file: k}\nports:\n";
  for (int i = 0; i < 33; ++i) {
    text += "  - x: 1\n";
  }
  EXPECT_EQ(faults_of(text), "vp.yaml:4: ports: has 33 ports; write 32 at most");
}

TEST(VpPortFaults, NamesTheMissingKeysOfAPort) {
  EXPECT_EQ(faults_of("ports: [{}]\nname: a\nid: 1\nidentity: {key_file: k}\n"),
            "vp.yaml:1: ports.0.device: is missing; write a PCI address or an EAL virtual device, "
            "such as net_af_packet0,iface=eth1\n"
            "vp.yaml:1: ports.0.address: is missing" +
                kAddressRemedy);
}

TEST(VpPortFaults, RefusesANetworkInterfaceAsDevice) {
  const std::string remedy =
      "; write a PCI address or an EAL virtual device, such as net_af_packet0,iface=eth1";
  EXPECT_EQ(
      faults_of(with_line(4, "  - device: eth1")),
      "vp.yaml:4: ports.0.device: \"eth1\" is no PCI address and no EAL virtual device" + remedy);
  EXPECT_EQ(faults_of(with_line(4, "  - device: net_af_packet0, iface=eth1")),
            "vp.yaml:4: ports.0.device: \"net_af_packet0, iface=eth1\" holds a blank" + remedy);
}

TEST(VpPortFaults, RefusesWhatIsNoAddress) {
  EXPECT_EQ(address_said("192.0.2.300/24"),
            "\"192.0.2.300/24\" does not begin with an IPv4 address" + kAddressRemedy);
  EXPECT_EQ(address_said("vp.example"), "\"vp.example\" is no IPv4 address" + kAddressRemedy);
  EXPECT_EQ(address_said("2001:db8::1/64"),
            "\"2001:db8::1/64\" is no IPv4 address" + kAddressRemedy);
}

TEST(VpPortFaults, RefusesAPrefixLengthThatIsNone) {
  for (const std::string length : {"33", "-1", "x", "", "024", "4294967320", "24/24"}) {
    EXPECT_EQ(address_said("192.0.2.10/" + length),
              "\"192.0.2.10/" + length + "\" has a prefix length that is not within 0..32" +
                  kAddressRemedy);
  }
}

TEST(VpPortFaults, RefusesTheEndsOfThePrefix) {
  EXPECT_EQ(address_said("192.0.2.0/24"),
            "\"192.0.2.0/24\" is the network address of 192.0.2.0/24" + kAddressRemedy);
  EXPECT_EQ(address_said("192.0.2.131/30"),
            "\"192.0.2.131/30\" is the broadcast address of 192.0.2.128/30" + kAddressRemedy);
}

TEST(VpPortFaults, RefusesAddressesThatNoHostHas) {
  for (const std::string address :
       {"0.0.0.0/24", "127.0.0.1/8", "224.0.0.1/24", "255.255.255.255/32", "192.0.2.10/0"}) {
    EXPECT_EQ(address_said(address),
              "\"" + address + "\" is no address of a host" + kAddressRemedy);
  }
}

TEST(VpPortFaults, TakesAGatewayWhereverItsAddressIs) {
  const std::string mac = "    gateway_mac: 02:00:00:00:00:01";
  for (const std::string gateway : {"192.0.3.1", "10.0.0.1", "169.254.0.1", "203.0.113.1"}) {
    for (const std::string length : {"/8", "/24", "/31", "/32"}) {
      Lines lines = good_lines();
      lines[4] = "    address: 192.0.2.10" + length;
      lines.insert(lines.begin() + 5, "    gateway: " + gateway);
      EXPECT_EQ(faults_of(text_of(lines)), "none") << gateway << length;
      lines.insert(lines.begin() + 6, mac);
      EXPECT_EQ(faults_of(text_of(lines)), "none") << gateway << length;
    }
  }
}

TEST(VpPortFaults, RefusesAGatewayThatNoHostIs) {
  for (const std::string gateway : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"}) {
    EXPECT_EQ(
        faults_of(with_port_lines({"    gateway: " + gateway})),
        "vp.yaml:6: ports.0.gateway: \"" + gateway + "\" is no address of a host" + kGatewayRemedy);
  }
}

TEST(VpPortFaults, RefusesAPrefixOffTheLinkWithoutGateway) {
  EXPECT_EQ(faults_of(with_port_lines({"    on_link: false"})),
            "vp.yaml:6: ports.0.on_link: is false, so nothing is reached without gateway; write "
            "that too, such as 192.0.2.1");
  EXPECT_EQ(faults_of(with_port_lines({"    on_link: false", "    gateway: 192.0.2.1"})), "none");
  EXPECT_EQ(faults_of(with_port_lines({"    on_link: perhaps"})),
            "vp.yaml:6: ports.0.on_link: \"perhaps\" is not known here; write true or false");
}

TEST(VpPortFaults, RefusesAGatewayThatIsNoOtherHost) {
  EXPECT_EQ(
      faults_of(with_port_lines({"    gateway: 192.0.2.10"})),
      "vp.yaml:6: ports.0.gateway: \"192.0.2.10\" is the port's own address" + kGatewayRemedy);
  EXPECT_EQ(faults_of(with_port_lines({"    gateway: 192.0.2.255"})),
            "vp.yaml:6: ports.0.gateway: \"192.0.2.255\" is an end of 192.0.2.0/24, which no host "
            "has" +
                kGatewayRemedy);
  EXPECT_EQ(faults_of(with_port_lines({"    gateway: router"})),
            "vp.yaml:6: ports.0.gateway: \"router\" is no IPv4 address" + kGatewayRemedy);
}

TEST(VpPortFaults, RefusesAGatewayMacThatIsNone) {
  const std::string remedy = "; write the gateway's Ethernet address, such as 02:00:00:00:00:01";
  const std::string gateway = "    gateway: 192.0.2.1";
  EXPECT_EQ(faults_of(with_port_lines({gateway, "    gateway_mac: 02:00:00:00:00"})),
            "vp.yaml:7: ports.0.gateway_mac: \"02:00:00:00:00\" is no Ethernet address" + remedy);
  EXPECT_EQ(faults_of(with_port_lines({gateway, "    gateway_mac: 01:00:5e:00:00:01"})),
            "vp.yaml:7: ports.0.gateway_mac: \"01:00:5e:00:00:01\" is no address of one station" +
                remedy);
  EXPECT_EQ(faults_of(with_port_lines({gateway, "    gateway_mac: 00:00:00:00:00:00"})),
            "vp.yaml:7: ports.0.gateway_mac: \"00:00:00:00:00:00\" is no address of one station" +
                remedy);
}

TEST(VpPortFaults, RefusesAGatewayMacWithoutGateway) {
  EXPECT_EQ(faults_of(with_port_lines({"    gateway_mac: 02:00:00:00:00:01"})),
            "vp.yaml:6: ports.0.gateway_mac: has no effect without gateway; write that too, such "
            "as 192.0.2.1");
}

TEST(VpPortFaults, RefusesUnknownAnswersAndTooManyDescriptors) {
  EXPECT_EQ(faults_of(with_port_lines({"    answers: maybe"})),
            "vp.yaml:6: ports.0.answers: \"maybe\" is not known here; write auto, yes or no");
  EXPECT_EQ(faults_of(with_port_lines({"    rx_descriptors: 32769", "    tx_descriptors: x"})),
            "vp.yaml:6: ports.0.rx_descriptors: \"32769\" is not within 0..32768; write a number "
            "of descriptors, or 0 for the device's choice, such as 1024\n"
            "vp.yaml:7: ports.0.tx_descriptors: \"x\" is not a whole number; write a number of "
            "descriptors, or 0 for the device's choice, such as 1024");
}

TEST(VpPortFaults, RefusesTwoPortsOfOneDevice) {
  EXPECT_EQ(faults_of(with_port_lines({"  - device: 0000:3b:00.0", "    address: 192.0.2.11/24"})),
            "vp.yaml:6: ports.1.device: \"0000:3b:00.0\" is the device of port 0 too; name "
            "another");
}

TEST(VpPortFaults, RefusesTwoVirtualDevicesOfOneName) {
  Lines lines = good_lines();
  lines[3] = "  - device: net_af_packet0,iface=eth1";
  lines.insert(lines.begin() + 5,
               {"  - device: net_af_packet0,iface=eth2", "    address: 192.0.2.11/24"});
  EXPECT_EQ(faults_of(text_of(lines)),
            "vp.yaml:6: ports.1.device: \"net_af_packet0\" is the device of port 0 too; name "
            "another");
}

TEST(VpPortFaults, RefusesTwoPortsOfOneAddress) {
  EXPECT_EQ(faults_of(with_port_lines({"  - device: 0000:3b:00.1", "    address: 192.0.2.10/25"})),
            "vp.yaml:7: ports.1.address: \"192.0.2.10\" is the address of port 0 too; give each "
            "its own");
}

}  // namespace
}  // namespace backsight::config
