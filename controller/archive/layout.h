// Where the archive's files are, and how they are named.
//
//   ARCHIVE/revtr1/2026/01/31/20260131T101112.123456Z-revtr1.jsonl.gz   bundles, never changed
//   ARCHIVE/schemas/revtr1.json                                         of each datatype
//   ARCHIVE/schemas/duckdb.sql, none.jsonl                              the tables for DuckDB
//   ARCHIVE/spool/                                                      the journal, whose rows
//                                                                       become bundles
//   ARCHIVE/spool/bundled, packed                                       how far they have
//   (bundle.h) ARCHIVE/spool/20260131T101112.123456Z-revtr1.tmp                    a bundle in the
//   making ARCHIVE/spool/20260131T101112.123456Z-revtr1.rejected               rows that a bundle
//   refused
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/error.h"
#include "controller/archive/schema.h"

namespace backsight::controller {

// A bundle's name: when its first row was written (UTC), and what it holds.
struct BundleName {
  std::uint64_t unix_us = 0;
  Datatype datatype = Datatype::kRevtr;

  friend auto operator<=>(const BundleName&, const BundleName&) = default;
};

[[nodiscard]] std::string to_string(const BundleName& name);
[[nodiscard]] std::optional<BundleName> parse_bundle_name(std::string_view text);

// "2026-01-31", UTC.
[[nodiscard]] std::string day_of(std::uint64_t unix_us);

class ArchiveLayout {
 public:
  explicit ArchiveLayout(std::string root) : root_(std::move(root)) {}
  // A relative directory becomes an absolute one.
  [[nodiscard]] static Expected<ArchiveLayout> of(const std::string& directory);

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  [[nodiscard]] std::string schema_directory() const { return root_ + "/schemas"; }
  [[nodiscard]] std::string journal_directory() const { return root_ + "/spool"; }
  [[nodiscard]] std::string packing(const BundleName& name) const { return in_spool(name, ".tmp"); }
  [[nodiscard]] std::string rejected(const BundleName& name) const {
    return in_spool(name, ".rejected");
  }
  // What rows call the file that they come from. No file has this name.
  [[nodiscard]] std::string filename(const BundleName& name) const {
    return in_spool(name, ".open");
  }
  [[nodiscard]] std::string bundle_directory(const BundleName& name) const;
  [[nodiscard]] std::string bundle(const BundleName& name) const {
    return bundle_directory(name) + '/' + to_string(name) + ".jsonl.gz";
  }

 private:
  [[nodiscard]] std::string in_spool(const BundleName& name, std::string_view end) const {
    return journal_directory() + '/' + to_string(name) + std::string(end);
  }

  std::string root_;
};

}  // namespace backsight::controller
