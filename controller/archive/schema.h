// The archive's tables, M-Lab's datatypes: names, fields and types. The one source of the schema
// files, of the check that each row passes, and of the tables of docs/archive.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace backsight::controller {

enum class Datatype : std::uint8_t {
  kRevtr,           // revtr1: one row a reverse traceroute
  kTrace,           // trace1: traceroutes from vantage points to destinations
  kTraceAtlas,      // traceatlas1: traceroutes to sources
  kPing,            // ping1: pings with and without Record Route
  kRankedSpoofers,  // rankedspoofers1: vantage points ranked for a hop
  kCount
};

inline constexpr std::size_t kDatatypes = static_cast<std::size_t>(Datatype::kCount);
inline constexpr std::array<Datatype, kDatatypes> kAllDatatypes = {
    Datatype::kRevtr, Datatype::kTrace, Datatype::kTraceAtlas, Datatype::kPing,
    Datatype::kRankedSpoofers};

[[nodiscard]] std::string_view name(Datatype datatype) noexcept;  // "revtr1", ...
[[nodiscard]] std::optional<Datatype> parse_datatype(std::string_view name) noexcept;

// BigQuery's types and modes.
enum class FieldType : std::uint8_t { kString, kInteger, kFloat, kBoolean, kDate, kRecord };

struct Field {
  std::string_view name;
  FieldType type = FieldType::kString;
  bool is_repeated = false;  // else NULLABLE
  std::string_view description;
  std::span<const Field> fields = {};  // of a record
};

// The columns of a row: date, archiver, raw.
[[nodiscard]] std::span<const Field> schema_of(Datatype datatype) noexcept;

// As BigQuery reads it (bq load --schema), for people to read, too.
[[nodiscard]] std::string bigquery_schema(Datatype datatype);
// Makes the tables in DuckDB, of the bundles that are in the archive in this directory, or in that
// of the variable `archive` when it is set.
[[nodiscard]] std::string duckdb_tables(std::string_view archive_directory);

}  // namespace backsight::controller
