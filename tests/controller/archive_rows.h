// Records made up at random, and what an archive holds, read by zlib and nlohmann's parser.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "controller/archive/archive.h"
#include "controller/archive/layout.h"
#include "controller/archive/row_check.h"
#include "controller/archive/schema.h"
#include "controller/json/path_json.h"
#include "controller/records.h"
#include "data_files.h"
#include "random_path.h"

namespace backsight::controller {

[[nodiscard]] inline PingRecord random_ping(std::mt19937_64& random) {
  PingRecord record;
  record.id = 1 + (random() >> 16);
  record.revtr = random() >> 16;
  record.vp = "ams01";
  record.src.value = static_cast<std::uint32_t>(random());
  record.dst.value = static_cast<std::uint32_t>(random());
  record.sent_unix_us = 1'767'225'600'000'000 + random() % 1'000'000'000;
  record.rtt_us = static_cast<std::uint32_t>(random() % 1'000'000);
  record.is_spoofed = random() % 2 == 0;
  record.is_record_route = random() % 2 == 0;
  record.is_answered = random() % 2 == 0;
  if (record.is_answered) record.from = record.dst;
  for (auto i = random() % 10; i > 0; --i) {
    record.route.push_back({static_cast<std::uint32_t>(random())});
  }
  return record;
}

[[nodiscard]] inline tasks::Hop random_trace_hop(std::mt19937_64& random, std::uint8_t ttl) {
  constexpr std::array kTypes = {probes::ReplyType::kTimeExceeded, probes::ReplyType::kEchoReply,
                                 probes::ReplyType::kTcpReset, probes::ReplyType::kTcpSynAck};
  tasks::Hop hop;
  hop.ttl = ttl;
  hop.attempt = static_cast<std::uint8_t>(1 + random() % 3);
  hop.has_reply = random() % 4 != 0;
  hop.reply.from.value = static_cast<std::uint32_t>(random());
  hop.reply.type = kTypes[random() % kTypes.size()];
  hop.reply.icmp_type = static_cast<std::uint8_t>(random() % 12);
  hop.rtt_ns = random() % 1'000'000'000;
  hop.label_count = static_cast<std::uint8_t>(random() % 5);
  for (auto& label : hop.labels) label.label = static_cast<std::uint32_t>(random() % (1U << 20));
  return hop;
}

[[nodiscard]] inline TraceRecord random_trace(std::mt19937_64& random) {
  TraceRecord record;
  record.id = 1 + (random() >> 16);
  record.vp = "fra02";
  record.platform = "backsight";
  record.src.value = static_cast<std::uint32_t>(random());
  record.dst.value = static_cast<std::uint32_t>(random());
  record.started_unix_us = 1'767'225'600'000'000 + random() % 1'000'000'000;
  record.outcome =
      static_cast<tasks::Outcome>(random() % static_cast<std::uint64_t>(tasks::Outcome::kCount));
  record.is_atlas = random() % 2 == 0;
  for (std::uint8_t ttl = 1; ttl <= random() % 20; ++ttl) {
    record.hops.push_back(random_trace_hop(random, ttl));
  }
  return record;
}

[[nodiscard]] inline RankedSpoofersRecord random_ranking(std::mt19937_64& random) {
  RankedSpoofersRecord record;
  record.revtr = random() >> 16;
  record.hop.value = static_cast<std::uint32_t>(random());
  record.unix_us = 1'767'225'600'000'000 + random() % 1'000'000'000;
  for (auto i = random() % 12; i > 0; --i) {
    RankedSpoofersRecord::Spoofer spoofer;
    spoofer.vp = "vp" + std::to_string(i);
    spoofer.address.value = static_cast<std::uint32_t>(random());
    spoofer.ingress.value = random() % 2 == 0 ? 0 : static_cast<std::uint32_t>(random());
    spoofer.distance = static_cast<std::uint8_t>(random() % 9);
    spoofer.ping = random() >> 16;
    record.spoofers.push_back(std::move(spoofer));
  }
  return record;
}

// What becomes of a path, as of other records.
[[nodiscard]] inline Datatype datatype_of(const ReversePath&) { return Datatype::kRevtr; }
inline void append_raw(std::string& out, const ReversePath& path, const Annotation& annotation) {
  out += fields_of(to_listed_json(path, annotation));
}

// A journal of its own and the archive on it.
struct LoneArchive {
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Archive> archive;
  std::string why_not;

  Archive* operator->() const { return archive.get(); }
};
[[nodiscard]] inline LoneArchive open_archive(const ArchiveOptions& options,
                                              const Annotation& annotation = {},
                                              const JournalOptions& journal_options = {}) {
  LoneArchive lone;
  const auto layout = ArchiveLayout::of(options.directory);
  if (!layout) {
    lone.why_not = layout.error().sentence;
    return lone;
  }
  std::vector<std::string> complaints;
  auto journal = Journal::open(*options.files, layout->journal_directory(), journal_options,
                               nullptr, complaints);
  if (!journal) {
    lone.why_not = journal.error().sentence;
    return lone;
  }
  lone.journal = std::move(*journal);
  auto archive = Archive::open(options, annotation, *lone.journal);
  if (archive) {
    lone.archive = std::move(*archive);
  } else {
    lone.why_not = archive.error().sentence;
  }
  return lone;
}

// The content of a gzip file; a test fails when it is not whole.
[[nodiscard]] inline std::string unpacked(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string content;
  std::vector<char> chunk(1 << 16);
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    content.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  EXPECT_EQ(status, Z_STREAM_END) << "a bundle is not whole";
  EXPECT_EQ(stream.avail_in, 0U) << "a bundle has bytes behind its end";
  inflateEnd(&stream);
  return content;
}

// The rows of a bundle, each checked against its schema.
[[nodiscard]] inline std::vector<nlohmann::json> rows_of_bundle(const std::string& name,
                                                                const std::string& packed) {
  const std::string end = ".jsonl.gz";
  const std::string stem = name.substr(0, name.size() - end.size());
  const auto datatype = parse_datatype(stem.substr(stem.rfind('-') + 1));
  EXPECT_TRUE(datatype) << name;
  RowCheck check(datatype.value_or(Datatype::kRevtr));
  std::istringstream lines(unpacked(packed));
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(check.fault(line), "") << line;
    rows.push_back(nlohmann::json::parse(line));
  }
  EXPECT_FALSE(rows.empty()) << name;
  return rows;
}

// All rows of a datatype's bundles below the folder, by file.
[[nodiscard]] inline std::vector<nlohmann::json> rows_of(const std::filesystem::path& archive,
                                                         Datatype datatype) {
  std::vector<nlohmann::json> rows;
  const auto folder = archive / name(datatype);
  if (!std::filesystem::exists(folder)) return rows;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto more = rows_of_bundle(entry.path().filename(), content_of(entry.path()));
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace backsight::controller
