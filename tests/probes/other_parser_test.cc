// tshark reads our probes: a parser that shares nothing with ours. Skipped where it is missing.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "golden.h"
#include "probes/crafting/template.h"

namespace backsight::probes {
namespace {

using testing::Packet;

void put(std::string& file, std::uint32_t value) {
  file.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// A pcap file of IPv4 packets (link type 101, raw), in the machine's byte order.
void write_pcap(const std::string& path, const std::vector<Packet>& packets) {
  std::string file;
  for (const std::uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65535u, 101u}) put(file, word);
  for (const Packet& packet : packets) {
    const auto size = static_cast<std::uint32_t>(packet.size());
    for (const std::uint32_t word : {0u, 0u, size, size}) put(file, word);
    file.append(reinterpret_cast<const char*>(packet.data()), packet.size());
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path.c_str(), "wb"),
                                                            &std::fclose);
  ASSERT_TRUE(out);
  ASSERT_EQ(std::fwrite(file.data(), 1, file.size(), out.get()), file.size());
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  char buffer[4096];
  while (pipe && std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) text += buffer;
  return text;
}

TEST(Tshark, ReadsTheProbesAsWeMeantThem) {
  if (std::system("command -v tshark > /dev/null") != 0) GTEST_SKIP() << "tshark is not installed";
  std::vector<Packet> packets;
  for (const Shape& shape : testing::kAllShapes) {
    packets.push_back(testing::make_golden_probe(shape));
  }
  const std::string path = ::testing::TempDir() + "/backsight-probes-" + std::to_string(getpid());
  write_pcap(path, packets);
  // Checksum status 1 is "good". Empty columns are fields that the packet does not have.
  const std::string text =
      output_of("tshark -r " + path +
                " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE"
                " -T fields -E separator=' ' -e ip.len -e ip.checksum.status -e ip.opt.type"
                " -e ip.opt.len -e ip.opt.ptr -e icmp.type -e icmp.checksum.status -e udp.srcport"
                " -e udp.dstport -e udp.checksum.status -e tcp.dstport -e tcp.seq_raw -e tcp.flags"
                " -e tcp.checksum.status 2> /dev/null");
  std::filesystem::remove(path);
  EXPECT_EQ(text,
            "44 1    8 1       \n"
            "84 1 7,0 39 4 8 1       \n"
            "84 1 68 40 5 8 1       \n"
            "80 1 68 36 5 8 1       \n"
            "64 1 68 20 5 8 1       \n"
            "48 1    8 1       \n"
            "48 1      37137 33434 1    \n"
            "40 1         80 2712847316 0x0002 1\n");
}

}  // namespace
}  // namespace backsight::probes
