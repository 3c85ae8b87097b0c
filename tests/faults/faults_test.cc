// Everything dies at random moments, and every accepted task is answered once.
//
//   test_faults                                   the short form, as a test
//   test_faults --rounds N [--seed S] [--real FOLDER]   the long form; --real uses the programs
//   there test_faults --role vp|consumer URL FOLDER RESULTS CLOCK     what the others start and
//   kill
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>

#include "roles.h"
#include "tests/support/broker.h"
#include "world.h"

namespace backsight::faults {
namespace {

constexpr std::uint64_t kSettleEvery = 10;

// True if nothing was lost and nothing came twice.
bool run(std::uint64_t rounds, std::uint64_t seed, const std::string& real_programs) {
  World world(seed, real_programs);
  bool is_good = true;
  for (std::uint64_t i = 1; is_good && i <= rounds; ++i) {
    is_good = world.round();
    if (is_good && (i % kSettleEvery == 0 || i == rounds)) is_good = world.settle();
    if (i % 50 == 0) {
      fmt::print(stderr, "faults: {} of {} rounds, {} tasks\n", i, rounds, world.counts().tasks);
    }
  }
  const Counts& counts = world.counts();
  for (const auto& [name, count] : counts.faults) fmt::print("{:>6}  {}\n", count, name);
  fmt::print("faults: {} rounds, {} tasks accepted, {} lost, {} answered twice (seed {})\n",
             counts.rounds, counts.tasks, counts.lost, counts.twice, seed);
  return is_good;
}

TEST(Faults, LoseNothingAndAnswerNothingTwice) {
  if (!Broker::is_possible()) GTEST_SKIP() << "no nats-server";
  const char* chosen = std::getenv("BACKSIGHT_SEED");
  const std::uint64_t seed =
      chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
  EXPECT_TRUE(run(10, seed, "")) << "BACKSIGHT_SEED=" << seed;
}

int run_role(char** arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) return 1;
  const RoleOptions options{arguments[1], arguments[2], arguments[3], arguments[4]};
  return std::string_view(arguments[0]) == "vp" ? run_vantage_point(options)
                                                : run_consumer(options);
}

int run_long(int argc, char** argv) {
  std::uint64_t rounds = 0;
  std::uint64_t seed = std::random_device{}();
  std::string real;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--rounds") rounds = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--real") real = argv[i + 1];
  }
  fmt::print(stderr, "faults: {} rounds, seed {}\n", rounds, seed);
  return run(rounds, seed, real) ? 0 : 1;
}

}  // namespace
}  // namespace backsight::faults

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 7 && std::string_view(argv[1]) == "--role") {
    return backsight::faults::run_role(argv + 2);
  }
  if (argc > 1 && std::string_view(argv[1]) == "--rounds") {
    return backsight::faults::run_long(argc, argv);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
