#include "queue/file/vp_claim.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "../storage/fake_disk.h"
#include "queue/vp_queue.h"

namespace backsight::queue {
namespace {

VpLayout layout_of(const std::string& vp) { return vp_layout("file:///q", vp).value(); }

TEST(VpClaim, ANameIsGivenOnce) {
  storage::FakeDisk disk;
  const auto first = claim_vp(disk, layout_of("ams01"), "ams01", 1);
  ASSERT_TRUE(first) << first.error().sentence;
  const auto second = claim_vp(disk, layout_of("ams01"), "ams01", 2);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sentence,
            "/q/ams01: process 4711 is vantage point ams01; there can be one of a name");
}

TEST(VpClaim, AnIdIsGivenOnce) {
  storage::FakeDisk disk;
  const auto first = claim_vp(disk, layout_of("ams01"), "ams01", 7);
  ASSERT_TRUE(first) << first.error().sentence;
  const auto second = claim_vp(disk, layout_of("fra02"), "fra02", 7);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sentence,
            "/q: process 4711 has the id 7, which fra02 wants too; give each vantage point an id "
            "of its own (\"id\" in its config)");
  EXPECT_TRUE(claim_vp(disk, layout_of("fra02"), "fra02", 8));
  EXPECT_TRUE(claim_vp(disk, layout_of("waw03"), "waw03", 0));
  EXPECT_TRUE(claim_vp(disk, layout_of("par04"), "par04", 0));
}

TEST(VpClaim, WhatIsGivenBackMayBeTakenAgain) {
  std::string folder = (std::filesystem::temp_directory_path() / "backsight-claim-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string url = "file://" + folder;
  for (int life = 0; life < 2; ++life) {
    const auto queue = open_vp_queue(url, "ams01", 1);
    ASSERT_TRUE(queue) << queue.error().sentence;
    const auto same_name = open_vp_queue(url, "ams01", 2);
    ASSERT_FALSE(same_name);
    EXPECT_EQ(same_name.error().code, ErrorCode::kRunFailed);
    EXPECT_THAT(same_name.error().sentence,
                testing::HasSubstr("process " + std::to_string(getpid()) + " is vantage point"));
    EXPECT_FALSE(open_vp_queue(url, "fra02", 1));
  }
  EXPECT_THAT(list_vps(storage::posix_file_system(), url).value(), testing::Contains("ams01"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace backsight::queue
