// archive_sample FOLDER: writes an archive of known rows for the tests of docs/queries/, with our
// own archive. What each row is for stands beside it; tests/operating/test_queries.py knows the
// answers.
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../controller/mmdb_writer.h"
#include "controller/archive/archive.h"
#include "controller/archive/layout.h"

namespace {

using namespace backsight;
using namespace backsight::controller;

constexpr std::uint64_t kNoon = 1'767'268'800'000'000;  // of 1 January 2026
constexpr std::uint64_t kDayUs = std::uint64_t{86'400} * 1'000'000;

// A city each, and one prefix of no known city.
constexpr const char* kGhent = "198.51.100.0/26";
constexpr const char* kUlm = "198.51.100.64/26";
constexpr const char* kNowhere = "203.0.113.0/24";

struct Place {
  const char* prefix;
  HopType type;
};
constexpr Place kPlain[] = {{kGhent, HopType::kDestination}, {kUlm, HopType::kRecordRoute}};

class Sample {
 public:
  Sample(Archive& archive, std::atomic<std::uint64_t>& now) : archive_(archive), now_(now) {}

  void next_day() { now_ += kDayUs; }

  ReversePath path(std::span<const Place> places) {
    ReversePath path;
    path.id = ++id_;
    path.uuid = fmt::format("ndt-{}", id_);
    path.src = probes::parse_ipv4("192.0.2.1").value();
    path.started_unix_us = now_;
    path.stop_reason = StopReason::kReaches;
    for (const Place& place : places) {
      ReverseHop hop;
      hop.address = probes::parse_prefix(place.prefix)->base;
      hop.address.value += static_cast<std::uint32_t>(path.hops.size()) + 1;
      hop.type = place.type;
      path.hops.push_back(hop);
    }
    path.dst = path.hops.front().address;
    return path;
  }
  void append(ReversePath path) { archive_.append(std::move(path)); }
  void fail(FailReason reason, int times) {
    for (int i = 0; i < times; ++i) {
      ReversePath failed = path(kPlain);
      failed.stop_reason = StopReason::kFailed;
      failed.fail_reason = reason;
      append(std::move(failed));
    }
  }
  void trace(std::uint64_t id) {
    TraceRecord record;
    record.id = id;
    record.vp = "ams01";
    record.platform = "backsight";
    record.started_unix_us = now_;
    archive_.append(std::move(record));
  }

 private:
  Archive& archive_;
  std::atomic<std::uint64_t>& now_;
  std::uint64_t id_ = 0;
};

void write_first_day(Sample& sample) {
  using enum HopType;
  sample.append(sample.path(kPlain));          // 1: good
  ReversePath stand_in = sample.path(kPlain);  // 2: of another address
  stand_in.is_try_from_destination_as = true;
  sample.append(std::move(stand_in));
  // 3: symmetry across ASes
  sample.append(
      sample.path(std::array<Place, 2>{{{kGhent, kDestination}, {kUlm, kSymmetryAcrossAses}}}));
  // 4: Ghent, Ulm, and back in Ghent by a hop of type 4
  sample.append(sample.path(std::array<Place, 3>{
      {{kGhent, kDestination}, {kUlm, kRecordRoute}, {kGhent, kAtlasRecordRoute}}}));
  // 5: the same loop without one: it may be so
  sample.append(sample.path(std::array<Place, 3>{
      {{kGhent, kDestination}, {kUlm, kAtlasRecordRoute}, {kGhent, kRecordRoute}}}));
  // 6: two hops in Ghent, one behind the other
  sample.append(
      sample.path(std::array<Place, 2>{{{kGhent, kDestination}, {kGhent, kAtlasRecordRoute}}}));
  // 7: what is between is not known
  sample.append(sample.path(std::array<Place, 3>{
      {{kGhent, kDestination}, {kNowhere, kRecordRoute}, {kGhent, kAtlasRecordRoute}}}));
  sample.fail(FailReason::kGapLimit, 2);      // 8, 9
  sample.fail(FailReason::kUnresponsive, 1);  // 10
  // 11: two hops that traceroute 5001 showed, one of 5002, which is another day's
  ReversePath traced = sample.path(std::array<Place, 4>{{{kGhent, kDestination},
                                                         {kUlm, kSymmetryWithinAs},
                                                         {kUlm, kSymmetryWithinAs},
                                                         {kUlm, kSymmetryWithinAs}}});
  traced.hops[1].measurement_id = traced.hops[2].measurement_id = 5001;
  traced.hops[3].measurement_id = 5002;
  sample.append(std::move(traced));
  sample.trace(5001);
  sample.trace(5003);
}

void write_second_day(Sample& sample) {
  sample.append(sample.path(kPlain));     // 12
  sample.fail(FailReason::kGapLimit, 3);  // 13, 14, 15
  sample.trace(5002);
}

int write_sample(const std::filesystem::path& folder) {
  const auto prefix = [](const char* text) { return probes::parse_prefix(text).value(); };
  const auto database = folder.string() + ".mmdb";
  std::ofstream(database, std::ios::binary)
      << mmdb::database({{prefix(kGhent), mmdb::city("Ghent", "BE", 51.05, 3.7167)},
                         {prefix(kUlm), mmdb::city("Ulm", "DE", 48.4, 9.99)}});
  auto locations = Locations::open(database);
  if (!locations) return EXIT_FAILURE;
  const Annotation annotation = {
      std::make_shared<PrefixTable>(PrefixTable::of({{prefix("198.51.100.0/24"), 64500}})),
      std::make_shared<Locations>(std::move(*locations))};
  std::atomic<std::uint64_t> now{kNoon};
  ArchiveOptions options;
  options.directory = folder.string();
  options.archiver = {"0.1.0", "sample"};
  options.tell = [](const std::string& sentence) { fmt::print(stderr, "{}\n", sentence); };
  options.unix_us = [&now] { return now.load(); };
  const auto layout = ArchiveLayout::of(options.directory);
  std::vector<std::string> complaints;
  auto journal =
      Journal::open(*options.files, layout->journal_directory(), {}, nullptr, complaints);
  if (!journal) {
    fmt::print(stderr, "{}\n", journal.error().sentence);
    return EXIT_FAILURE;
  }
  auto archive = Archive::open(options, annotation, **journal);
  if (!archive) {
    fmt::print(stderr, "{}\n", archive.error().sentence);
    return EXIT_FAILURE;
  }
  Sample sample(**archive, now);
  write_first_day(sample);
  const std::uint64_t first_day = (*archive)->status().appended;
  if (!(*archive)->wait_until_synced(first_day, std::chrono::seconds(60))) return EXIT_FAILURE;
  sample.next_day();
  write_second_day(sample);
  if (auto closed = (*archive)->close(); !closed) {
    fmt::print(stderr, "{}\n", closed.error().sentence);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "Usage: archive_sample FOLDER\n");
    return 2;
  }
  return write_sample(argv[1]);
}
