// Schemas in the words of BigQuery and DuckDB.
#include <fmt/format.h>

#include "controller/archive/schema.h"

namespace backsight::controller {

namespace {

std::string_view bigquery_type(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return "STRING";
    case FieldType::kInteger:
      return "INTEGER";
    case FieldType::kFloat:
      return "FLOAT";
    case FieldType::kBoolean:
      return "BOOLEAN";
    case FieldType::kDate:
      return "DATE";
    case FieldType::kRecord:
      return "RECORD";
  }
  return "";
}

void append_bigquery(std::string& out, std::span<const Field> fields, std::size_t depth) {
  const std::string indent(2 * depth, ' ');
  out += "[\n";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    out += fmt::format(R"({}  {{"name": "{}", "type": "{}", "mode": "{}", "description": "{}")",
                       indent, field.name, bigquery_type(field.type),
                       field.is_repeated ? "REPEATED" : "NULLABLE", field.description);
    if (field.type == FieldType::kRecord) {
      out += ", \"fields\": ";
      append_bigquery(out, field.fields, depth + 1);
    }
    out += i + 1 < fields.size() ? "},\n" : "}\n";
  }
  out += indent + "]";
}

std::string duckdb_type(const Field& field) {
  std::string type;
  switch (field.type) {
    case FieldType::kString:
      type = "VARCHAR";
      break;
    case FieldType::kInteger:
      type = "BIGINT";
      break;
    case FieldType::kFloat:
      type = "DOUBLE";
      break;
    case FieldType::kBoolean:
      type = "BOOLEAN";
      break;
    case FieldType::kDate:
      type = "DATE";
      break;
    case FieldType::kRecord:
      for (const Field& member : field.fields) {
        type +=
            fmt::format("{}\"{}\" {}", type.empty() ? "" : ", ", member.name, duckdb_type(member));
      }
      type = "STRUCT(" + type + ")";
      break;
  }
  return field.is_repeated ? type + "[]" : type;
}

// {date: 'DATE', ...}
std::string duckdb_columns(Datatype datatype) {
  std::string out;
  for (const Field& field : schema_of(datatype)) {
    out += fmt::format("{}{}: '{}'", out.empty() ? "{" : ", ", field.name, duckdb_type(field));
  }
  return out + "}";
}

}  // namespace

std::string bigquery_schema(Datatype datatype) {
  std::string out;
  append_bigquery(out, schema_of(datatype), 0);
  return out + "\n";
}

std::string duckdb_tables(std::string_view archive_directory) {
  std::string quoted;
  for (const char c : archive_directory) quoted += c == '\'' ? "\'\'" : std::string(1, c);
  std::string out = fmt::format(
      "-- Makes the archive's tables of the bundles that there are now (DuckDB). For an archive\n"
      "-- somewhere else: SET VARIABLE archive = '/its/folder'; first.\n"
      "SET VARIABLE archive = coalesce(getvariable('archive'), '{}');\n"
      "-- What has a meaning in patterns names itself.\n"
      "CREATE OR REPLACE TEMP MACRO plainly(path) AS "
      "regexp_replace(path, '[*?\\[]', '[\\0]', 'g');\n",
      quoted);
  for (const Datatype datatype : kAllDatatypes) {
    // A table needs at least one file. A "?" in a path hides how it is packed.
    out += fmt::format(
        "\nSET VARIABLE {0}_files = (\n"
        "  SELECT coalesce(list(plainly(file) ORDER BY file), [plainly(getvariable('archive')) || "
        "'/schemas/none.jsonl'])\n"
        "  FROM glob(plainly(getvariable('archive')) || '/{0}/*/*/*/*.jsonl.gz'));\n"
        "SET VARIABLE {0}_packing = if(ends_with(getvariable('{0}_files')[1], '.gz'), 'gzip', "
        "'uncompressed');\n"
        "CREATE OR REPLACE VIEW {0} AS SELECT * FROM read_json(\n"
        "  getvariable('{0}_files'), format = 'newline_delimited',\n"
        "  compression = getvariable('{0}_packing'),\n"
        "  columns = {1});\n",
        name(datatype), duckdb_columns(datatype));
  }
  return out;
}

}  // namespace backsight::controller
