// docs/wire-identity.md says what we send: its example bytes are read and compared.
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "golden.h"

namespace backsight::probes {
namespace {

// The text between "```hex <name>" and the next "```".
std::string block(const std::string& page, const std::string& name) {
  const std::string opening = "```hex " + name + "\n";
  const std::size_t begin = page.find(opening);
  if (begin == std::string::npos) return {};
  const std::size_t text = begin + opening.size();
  return page.substr(text, page.find("```", text) - text);
}

TEST(WireIdentity, ExamplesOfThePageAreWhatWeSend) {
  std::ifstream file(BACKSIGHT_DOCS "/wire-identity.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(page.empty());
  const std::pair<std::string, Shape> examples[] = {{"rr", testing::kRecordRoute},
                                                    {"trace-icmp", testing::kIcmpTrace},
                                                    {"trace-udp", testing::kUdpTrace},
                                                    {"trace-tcp", testing::kTcpTrace}};
  for (const auto& [name, shape] : examples) {
    const testing::Packet documented = testing::from_hex(block(page, name));
    EXPECT_EQ(testing::to_hex(documented), testing::to_hex(testing::make_golden_probe(shape)))
        << name;
  }
}

}  // namespace
}  // namespace backsight::probes
