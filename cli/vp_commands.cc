#include "cli/vp_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "queue/client.h"
#include "queue/file/layout.h"

namespace backsight::cli {

namespace {

using Json = nlohmann::json;

// A vantage point announces itself every second; one that missed this many has gone silent.
constexpr std::uint64_t kSilentNs = 10'000'000'000;

std::uint64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// What stands at `path` ("/rates/sent_pps"), or null: an older vantage point may not say it, and a
// broken file says nothing.
Json at(const Json& status, const std::string& path) {
  const Json::json_pointer pointer(path);
  return status.contains(pointer) ? status.at(pointer) : Json();
}

std::string word(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::uint64_t number(const Json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::string state_of(const Json& status) {
  if (!status.is_object()) return "unknown";
  const std::uint64_t updated = number(at(status, "/updated_at_ns"));
  const std::string state = word(at(status, "/state"));
  if (updated != 0 && updated + kSilentNs < now_ns()) return "silent";
  return state;
}

std::string age_of(const Json& status) {
  const std::uint64_t updated = number(at(status, "/updated_at_ns"));
  return updated == 0 ? "never" : age_text(updated, now_ns());
}

struct Row {
  std::string name;
  Json status;
};

Expected<std::vector<Row>> read_rows(const VpOptions& options) {
  const auto queue = queue::open_queue(options.queue);
  if (!queue) return tl::unexpected(queue.error());
  std::vector<std::string> names = options.vps;
  const auto known = (*queue)->list_vps();
  if (!known) return tl::unexpected(known.error());
  if (names.empty()) names = *known;
  std::vector<Row> rows;
  for (const std::string& name : names) {
    if (auto checked = queue::check_vp_name(name); !checked) {
      return tl::unexpected(checked.error());
    }
    if (std::find(known->begin(), known->end(), name) == known->end()) {
      return run_failed(
          fmt::format("no vantage point {} in queue {}; known: {}", name, options.queue.shown(),
                      known->empty() ? "none" : fmt::format("{}", fmt::join(*known, ", "))));
    }
    const auto text = (*queue)->read_status(name);
    if (!text) return tl::unexpected(text.error());
    rows.push_back({name, Json::parse(*text, nullptr, false)});
  }
  return rows;
}

// Pads each column to its widest cell; the last one runs on.
std::string table_text(const std::vector<std::vector<std::string>>& table) {
  std::vector<std::size_t> widths;
  for (const auto& row : table) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : table) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      text += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    text += row.back() + "\n";
  }
  return text;
}

Expected<int> write_text(const std::string& text) {
  const auto written = write_out(text);
  if (!written) return tl::unexpected(written.error());
  return 0;
}

Expected<int> write_json(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    Json status = row.status.is_object() ? row.status : Json::object();
    if (!status.contains("vp")) status["vp"] = row.name;
    text += status.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return write_text(text);
}

// Each port, or each reason, as one cell or one line.
std::vector<std::string> ports_of(const Json& status) {
  std::vector<std::string> ports;
  for (const Json& port : at(status, "/ports")) {
    ports.push_back(fmt::format("{} {} {} via {} {}", word(at(port, "/device")),
                                word(at(port, "/address")), word(at(port, "/mac")),
                                word(at(port, "/gateway")), word(at(port, "/gateway_mac"))));
  }
  return ports;
}

std::vector<std::string> list_row(const Row& row) {
  const Json& status = row.status;
  return {row.name,
          state_of(status),
          age_of(status),
          word(at(status, "/ports/0/address")),
          word(at(status, "/rates/sent_pps")),
          word(at(status, "/in_flight")),
          word(at(status, "/tasks/done")),
          word(at(status, "/spool_results")),
          word(at(status, "/spool_bytes"))};
}

void show_row(const Row& row, std::vector<std::vector<std::string>>& table) {
  const Json& status = row.status;
  const auto pair = [&](const char* one, const char* two, const char* between) {
    return word(at(status, one)) + between + word(at(status, two));
  };
  table.push_back({row.name, state_of(status)});
  for (const Json& why : at(status, "/why")) table.push_back({"  because", word(why)});
  table.push_back({"  heard", age_of(status)});
  const std::uint64_t started = number(at(status, "/started_at_ns"));
  table.push_back({"  started", started == 0 ? "-" : age_text(started, now_ns())});
  table.push_back({"  number, version", pair("/id", "/version", ", ")});
  for (const std::string& port : ports_of(status)) table.push_back({"  port", port});
  table.push_back(
      {"  packets/s sent, allowed", pair("/rates/sent_pps", "/rates/asked_pps", " of ")});
  table.push_back({"  in flight", pair("/in_flight", "/in_flight_capacity", " of ")});
  table.push_back(
      {"  tasks accepted, refused, done",
       fmt::format("{}, {}, {}", word(at(status, "/tasks/accepted")),
                   word(at(status, "/tasks/refused")), word(at(status, "/tasks/done")))});
  table.push_back({"  results not committed, bytes", pair("/spool_results", "/spool_bytes", ", ")});
  if (!at(status, "/queue").is_object()) return;
  table.push_back({"  broker", at(status, "/queue/connected") == true ? "connected" : "away"});
  table.push_back({"  batches sent, again, refused",
                   fmt::format("{}, {}, {}", word(at(status, "/queue/batches_sent")),
                               word(at(status, "/queue/batches_again")),
                               word(at(status, "/queue/send_failures")))});
  table.push_back({"  spool limit, bytes", word(at(status, "/queue/spool_limit_bytes"))});
}

}  // namespace

std::string age_text(std::uint64_t then_ns, std::uint64_t now) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t seconds = now > then_ns ? (now - then_ns) / kSecond : 0;
  if (seconds == 0) return "now";
  if (seconds < 120) return fmt::format("{} s ago", seconds);
  if (seconds < 7200) return fmt::format("{} min ago", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h ago", seconds / 3600);
  return fmt::format("{} days ago", seconds / 86'400);
}

std::string last_heard(queue::QueueClient& access, const std::string& vp) {
  const auto text = access.read_status(vp);
  if (!text) return "never heard";
  const Json status = Json::parse(*text, nullptr, false);
  const std::uint64_t updated = number(at(status, "/updated_at_ns"));
  return updated == 0 ? "never heard" : "last heard " + age_text(updated, now_ns());
}

Expected<int> list_vantage_points(const VpOptions& options) {
  const auto rows = read_rows(options);
  if (!rows) return tl::unexpected(rows.error());
  if (options.json) return write_json(*rows);
  std::vector<std::vector<std::string>> table{
      {"NAME", "STATE", "HEARD", "ADDRESS", "SENT/S", "IN FLIGHT", "DONE", "LAG", "SPOOL BYTES"}};
  for (const Row& row : *rows) table.push_back(list_row(row));
  if (rows->empty()) tell(fmt::format("no vantage point in queue {}", options.queue.shown()));
  return write_text(rows->empty() ? "" : table_text(table));
}

Expected<int> show_vantage_points(const VpOptions& options) {
  const auto rows = read_rows(options);
  if (!rows) return tl::unexpected(rows.error());
  if (options.json) return write_json(*rows);
  std::vector<std::vector<std::string>> table;
  for (const Row& row : *rows) show_row(row, table);
  if (rows->empty()) tell(fmt::format("no vantage point in queue {}", options.queue.shown()));
  return write_text(table_text(table));
}

}  // namespace backsight::cli
