#include "config/vp/vp_config.h"

#include <algorithm>
#include <bit>

#include "config/reading/keys.h"
#include "config/reading/written.h"
#include "config/sections/outlets.h"
#include "config/vp_name.h"

namespace backsight::config {
namespace {

constexpr std::uint64_t kMaxPps = 1'000'000'000;  // beyond any port of today

Clause name_fault(std::string_view text) {
  if (text.size() > kMaxVpNameCharacters) {
    return fmt::format("{} has {} characters", in_quotes(text), text.size());
  }
  const auto odd = std::ranges::find_if_not(text, is_vp_name_character);
  if (odd == text.end()) return std::nullopt;
  return fmt::format("{} holds {}", in_quotes(text), in_quotes({odd, odd + 1}));
}

// The name of a device without its arguments, which is what tells EAL's devices apart.
std::string_view device_name(const PortConfig& port) {
  return std::string_view(port.device).substr(0, port.device.find(','));
}

// No port is like one before it.
void check_alike(Written& written, const VpConfig& vp, const PortConfig& port) {
  for (std::size_t i = 0; &vp.ports[i] != &port; ++i) {
    const PortConfig& other = vp.ports[i];
    if (written.has_taken("device") && device_name(other) == device_name(port)) {
      written.add("device", fmt::format("\"{}\" is the device of port {} too; name another",
                                        device_name(port), i));
    }
    if (written.has_taken("address") && other.address == port.address) {
      written.add("address", fmt::format("\"{}\" is the address of port {} too; give each its own",
                                         to_string(port.address), i));
    }
  }
}

void describe_ports(Keys& keys, VpConfig& vp) {
  constexpr MapsRule kRule{.values = "list of ports",
                           .least = 1,
                           .most = kMaxPorts,
                           .no_map = "is no port; write \"device: ...\" and \"address: ...\""};
  const auto describe_port = [&vp](Keys& keys_of_port, PortConfig& port) {
    describe(keys_of_port, port);
    keys_of_port.check([&](Written& written) { check_alike(written, vp, port); });
  };
  keys.maps("ports", vp.ports, kRule, "network ports", describe_port)
      .write("a list of ports, each with its device and address", "\"- device: 0000:3b:00.0\"")
      .required();
}

Reading<unsigned> read_core(std::string_view text, std::span<const unsigned> before) {
  const auto core = read_number(text, 0, kMaxCores - 1);
  if (!core) return tl::unexpected(core.error());
  if (std::ranges::find(before, *core) != before.end()) {
    return tl::unexpected(fmt::format("core {} stands twice", *core));
  }
  return static_cast<unsigned>(*core);
}

Reading<std::uint32_t> read_slots(std::string_view text) {
  const auto slots = read_number(text, 64, 1U << 26);
  if (!slots) return tl::unexpected(slots.error());
  if (!std::has_single_bit(*slots)) {
    return tl::unexpected(in_quotes(text) + " is not a power of two");
  }
  return static_cast<std::uint32_t>(*slots);
}

// Whether it was written is kept: only then must it be free.
void describe_metrics(Keys& keys, VpConfig& vp) {
  const auto set = [&vp](std::string_view text) {
    auto listen = read_listen_or_off(text);
    if (!listen) return Clause(std::move(listen.error()));
    vp.metrics_listen = *std::move(listen);
    vp.metrics_listen_is_default = false;
    return Clause();
  };
  const auto get = [&vp] {
    return vp.metrics_listen_is_default ? std::string() : listen_or_off_text(vp.metrics_listen);
  };
  keys.one("metrics.listen", "host:port, off", "/metrics, /healthz, /readyz", set, get)
      .write("host:port or off", "127.0.0.1:9464")
      .if_absent("127.0.0.1:9464 if free");
}

}  // namespace

std::vector<probes::Ipv4Addr> VpConfig::addresses() const {
  std::vector<probes::Ipv4Addr> addresses;
  for (const PortConfig& port : ports) addresses.push_back(port.address);
  return addresses;
}

void describe(Keys& keys, EngineConfig& engine) {
  keys.list("workers", engine.workers, "list of cores, 0..1023",
            "cores that poll; one queue pair each on each port", read_core)
      .write("a list of different cores, each below 1024", "[2, 3]")
      .if_empty("is an empty list");
  describe_waiting(keys, engine, "core of everything else; may be a worker's");
  keys.value("inflight", engine.inflight, "64..67108864, a power of two",
             "slots per worker, a power of two: rate x time-out", read_slots)
      .write("a power of two, 64..67108864");
  keys.number("waiting", engine.waiting, 64, 1U << 24,
              "tasks a worker holds back for the limits' sake")
      .write("a number of tasks");
  keys.number("traces", engine.traces, 1, 1U << 20, "traceroutes under way per worker")
      .write("a number of traceroutes");
  keys.flag("telemetry", engine.telemetry, "whether dpdk-telemetry.py finds it");
  describe_arguments(keys, engine);
}

void describe(Keys& keys, RatesConfig& rates) {
  constexpr std::string_view kOrOff = "packets a second, or 0 for no limit";
  keys.number("total_pps", rates.total_pps, 1, kMaxPps, "all that is sent; all limits hold at once")
      .write("packets a second");
  keys.number("rr_pps", rates.rr_pps, 0, kMaxPps,
              "probes with IP options; 0: no limit of their own")
      .write(kOrOff, "2000");
  keys.number("per_destination_pps", rates.per_destination_pps, 0, kMaxPps,
              "to one address; 0: no limit")
      .write(kOrOff);
  keys.number("per_prefix24_pps", rates.per_prefix24_pps, 0, kMaxPps, "to one /24; 0: no limit")
      .write(kOrOff);
  keys.number("per_spoofed_source_pps", rates.per_spoofed_source_pps, 0, kMaxPps,
              "from one enrolled address; 0: no limit")
      .write(kOrOff);
}

void describe(Keys& keys, VpQueueConfig& queue) {
  describe_url(keys, queue, "tasks come, results go here").if_absent("only --tasks");
  describe_broker(keys, queue, "ams01");
  keys.path("spool", queue.spool, "where results wait that a broker's consumer has not got")
      .write("the path of a folder on a local disk");
  keys.number("spool_limit_mib", queue.spool_limit_mib, 1, std::uint64_t{1} << 30,
              "results that may wait there; beyond, no task is taken")
      .write("a number of MiB");
}

void describe(Keys& keys, VpConfig& vp) {
  keys.title("One vantage point", "docs/configuration.md");
  keys.text("name", vp.name, "1..63 of a-z, 0-9, -", "this vantage point", name_fault)
      .write("1 to 63 of a-z, 0-9 and -", "ams01")
      .required();
  keys.number("id", vp.id, 1, 65535, "its number in probe ids, unique in the fleet")
      .write("the number of this vantage point", "1")
      .required();
  describe_ports(keys, vp);
  keys.section("engine", vp.engine);
  keys.section("rates", vp.rates);
  keys.path("spoofing.enrolled", vp.enrolled_file, "addresses whose owners consented")
      .write("the path of the enrolment file", "enrolled.yaml")
      .if_absent("no spoofing");
  keys.path("deny", vp.deny_file, "prefixes never probed, one a line")
      .write("the path of the deny file", "deny.txt")
      .if_absent("none but bogons");
  keys.flag("allow_bogons", vp.allow_bogons, "whether private and reserved addresses are probed");
  keys.path("identity.key_file", vp.key_file, "the fleet's secret; backsight keygen makes one")
      .write("the path of the fleet's key", "fleet.key")
      .required();
  keys.section("queue", vp.queue);
  describe_metrics(keys, vp);
  keys.path("capture.socket", vp.capture_socket, "where backsight vp capture asks")
      .write("the path of a socket to make", "/run/backsight-vp/capture.sock")
      .if_absent("no captures");
  describe_log(keys, vp.log_format);
}

}  // namespace backsight::config
