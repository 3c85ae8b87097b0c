#include "engine/device/port.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <utility>

#include "engine/device/eal.h"
#include "probes/assert.h"

namespace backsight::engine {
namespace {

constexpr std::uint16_t kDefaultDescriptors = 1024;
constexpr unsigned kPoolCache = 256;

// True if a kernel on this machine owns the address, and sees the port's packets too.
bool kernel_answers_for(const config::PortConfig& port) {
  if (!device_name(port.device).starts_with("net_af_packet")) return false;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* it = list; it != nullptr; it = it->ifa_next) {
    if (it->ifa_addr == nullptr || it->ifa_addr->sa_family != AF_INET) continue;
    sockaddr_in address;
    std::memcpy(&address, it->ifa_addr, sizeof address);
    found |= ntohl(address.sin_addr.s_addr) == port.address.value;
  }
  freeifaddrs(list);
  return found;
}

bool decide_answers(const config::PortConfig& port) {
  switch (port.answers) {
    case config::PortConfig::Answers::kYes:
      return true;
    case config::PortConfig::Answers::kNo:
      return false;
    case config::PortConfig::Answers::kAuto:
      break;
  }
  return !kernel_answers_for(port);
}

std::uint16_t descriptors(std::uint16_t asked, std::uint16_t preferred) {
  if (asked != 0) return asked;
  return preferred != 0 ? preferred : kDefaultDescriptors;
}

tl::unexpected<Error> port_error(const config::PortConfig& port, const std::string& what) {
  return bad_usage(fmt::format("port {}: {}", port.device, what));
}

LinkTraits traits_of(const std::string& device) {
  const std::string name = device_name(device);
  const bool is_packet = name.starts_with("net_af_packet");
  const bool is_tap = name.starts_with("net_tap");
  return {.interface = interface_of(device),
          .makes_interface = is_tap,
          .keeps_unsent = is_packet || name.starts_with("net_pcap"),
          .has_program = name.starts_with("net_af_xdp"),
          .speaks_for_interface = !is_tap};
}

probes::MacAddr mac_of(std::uint16_t id) {
  probes::MacAddr mac;
  rte_ether_addr told{};
  if (rte_eth_macaddr_get(id, &told) != 0) return mac;
  std::copy(std::begin(told.addr_bytes), std::end(told.addr_bytes), mac.bytes.begin());
  return mac;
}

// The AF_XDP sockets of this process.
std::vector<int> all_xdp_sockets() {
  std::vector<int> sockets;
  std::error_code failed;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const int fd = std::atoi(file.path().filename().c_str());
    int family = 0;
    socklen_t size = sizeof family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_XDP) {
      sockets.push_back(fd);
    }
  }
  std::ranges::sort(sockets);
  return sockets;
}

bool driver_has_link(std::uint16_t id) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace

Port::Port(const config::PortConfig& config, std::size_t workers, const TscClock& clock)
    : config_(config),
      traits_(traits_of(config.device)),
      workers_(workers),
      neighbours_(config, clock),
      let_go_(std::make_unique<std::atomic<std::uint32_t>[]>(workers)) {}

Port::~Port() { close_device(); }

Expected<std::unique_ptr<Port>> Port::open(const config::PortConfig& config, std::size_t workers,
                                           const TscClock& clock) {
  std::unique_ptr<Port> port(new Port(config, workers, clock));
  if (auto claimed = port->claim(); !claimed) return tl::unexpected(claimed.error());
  port->answers_ = decide_answers(config);
  const auto opened = port->open_device();
  if (opened) {
    port->link_is_up_ = driver_has_link(port->id_);
    return port;
  }
  // Without a link some drivers cannot: they will when it is there.
  if (port->traits_.interface.empty()) return tl::unexpected(opened.error());
  const auto view = look_at_interface(port->traits_.interface);
  if (view && port->traits_.has_program && view->xdp_program != 0) {
    return port_error(config, fmt::format("XDP program {0} is on {1} already; `ip link set dev {1} "
                                          "xdp off` detaches it",
                                          view->xdp_program, port->traits_.interface));
  }
  if (!view || view->has_link()) return tl::unexpected(opened.error());
  port->link_is_up_ = false;
  port->hold();
  return port;
}

std::unique_ptr<Port> Port::without_device(const config::PortConfig& config, probes::MacAddr mac,
                                           const TscClock& clock, rte_mempool* pool,
                                           Handover& peer) {
  std::unique_ptr<Port> port(new Port(config, 1, clock));
  port->answers_ = config.answers == config::PortConfig::Answers::kYes;
  port->peer_.emplace(pool, peer);
  port->set_mac(mac);
  return port;
}

// Makes sure that the port is ours alone.
Expected<void> Port::claim() {
  const bool is_pci = !is_virtual(config_.device);
  const std::string& name = is_pci ? config_.device : traits_.interface;
  if (name.empty()) return {};
  auto lock = InterfaceLock::take(config_.device, name);
  if (!lock) return tl::unexpected(lock.error());
  lock_.emplace(std::move(*lock));
  return {};
}

Expected<void> Port::open_device() {
  const std::string name = device_name(config_.device);
  if (!traits_.interface.empty()) {
    const std::string arguments = device_arguments(config_.device, workers_);
    if (rte_vdev_init(name.c_str(), arguments.c_str()) != 0) {
      return port_error(config_, "DPDK could not make this device; what it says above tells why");
    }
    was_made_here_ = true;
  }
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) {
    return port_error(config_,
                      is_virtual(config_.device)
                          ? "DPDK could not make this device; what it says above tells why"
                          : "DPDK finds no such device; `dpdk-devbind.py --status` lists PCI "
                            "devices and their drivers");
  }
  id_ = id;
  is_open_ = true;
  const std::uint32_t other = attached_program();
  const std::vector<int> others = traits_.has_program ? all_xdp_sockets() : std::vector<int>();
  auto configured = configure();
  if (traits_.has_program) {
    std::ranges::set_difference(all_xdp_sockets(), others, std::back_inserter(xdp_sockets_));
    xdp_program_ = configured || other == 0 ? attached_program() : 0;
  }
  if (!configured) close_device();
  return configured;
}

Expected<void> Port::configure() {
  rte_eth_dev_info info{};
  if (const int failed = rte_eth_dev_info_get(id_, &info); failed != 0) {
    return port_error(config_, fmt::format("tells nothing of itself ({})", rte_strerror(-failed)));
  }
  const auto queues = static_cast<std::uint16_t>(
      std::min<std::size_t>({workers_, info.max_rx_queues, info.max_tx_queues}));
  if (queues == 0) return port_error(config_, "it has no queues");
  queues_ = queues;
  rte_eth_conf conf{};
  if (queues > 1 && info.flow_type_rss_offloads != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IP & info.flow_type_rss_offloads;
  }
  // All packets of a queue are of one pool, and nobody else holds them.
  conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE & info.tx_offload_capa;
  if (const int failed = rte_eth_dev_configure(id_, queues, queues, &conf); failed != 0) {
    return port_error(config_, fmt::format("cannot be configured ({})", rte_strerror(-failed)));
  }
  std::uint16_t rx = descriptors(config_.rx_descriptors, info.default_rxportconf.ring_size);
  std::uint16_t tx = descriptors(config_.tx_descriptors, info.default_txportconf.ring_size);
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx);
  if (auto set_up = set_up_queues(rx, tx); !set_up) return set_up;
  if (const int failed = rte_eth_dev_start(id_); failed != 0) {
    return port_error(config_, fmt::format("does not start ({})", rte_strerror(-failed)));
  }
  hand_over_for_the_rest();
  set_mac(mac_of(id_));
  return {};
}

Expected<void> Port::set_up_queues(std::uint16_t rx, std::uint16_t tx) {
  const auto waiting = static_cast<unsigned>(2 * Handover::kSlots * (workers_ - queues_) / queues_);
  const auto buffers =
      static_cast<unsigned>(queues_ * (rx + tx + 4U * kBurst + kPoolCache + std::size_t{waiting}));
  pool_ = rte_pktmbuf_pool_create(fmt::format("port{}", id_).c_str(), buffers, kPoolCache, 0,
                                  RTE_MBUF_DEFAULT_BUF_SIZE, rte_eth_dev_socket_id(id_));
  if (pool_ == nullptr) {
    return port_error(config_, fmt::format("no memory for {} packet buffers ({})", buffers,
                                           rte_strerror(rte_errno)));
  }
  const auto socket = static_cast<unsigned>(std::max(0, rte_eth_dev_socket_id(id_)));
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    int failed = rte_eth_rx_queue_setup(id_, queue, rx, socket, nullptr, pool_);
    if (failed == 0) failed = rte_eth_tx_queue_setup(id_, queue, tx, socket, nullptr);
    if (failed != 0) {
      return port_error(
          config_, fmt::format("queue {} cannot be set up ({})", queue, rte_strerror(-failed)));
    }
  }
  return {};
}

void Port::hand_over_for_the_rest() {
  served_.assign(queues_, {});
  for (std::size_t worker = queues_; worker < workers_; ++worker) {
    handovers_.push_back(std::make_unique<Handover>(fmt::format("port{}w{}", id_, worker).c_str()));
    served_[worker % queues_].push_back(handovers_.back().get());
  }
}

// The number of the program on the interface of an AF_XDP port.
std::uint32_t Port::attached_program() const {
  if (!traits_.has_program) return 0;
  const auto view = look_at_interface(traits_.interface);
  return view ? view->xdp_program : 0;
}

// Forgets the device without closing it.
void Port::leave_device() noexcept {
  leave_devices_open();
  for (auto& handover : handovers_) static_cast<void>(handover.release());
  handovers_.clear();
  is_open_ = was_made_here_ = false;
  pool_ = nullptr;
}

// Nobody uses its queues. What the figures would forget is kept.
void Port::close_device() noexcept {
  // The driver would detach whatever program is there: another's is not ours to detach.
  const std::uint32_t program = attached_program();
  if (program != 0 && program != xdp_program_) return leave_device();
  if (is_open_) {
    past_ = device_statistics();
    for (const auto& handover : handovers_) {
      const Handover::Discarded discarded = handover->discard();
      past_.tx_lost += discarded.to_port;
      past_.received -= discarded.from_port;
      past_.rx_missed += discarded.from_port;
    }
    handovers_.clear();
    served_.clear();
    queues_ = 0;
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
    close_xdp_sockets();
    is_open_ = false;
  }
  if (was_made_here_) rte_vdev_uninit(device_name(config_.device).c_str());
  was_made_here_ = false;
  rte_mempool_free(pool_);
  pool_ = nullptr;
}

// The driver's library leaves its sockets open, and an open one keeps its queue of the interface.
void Port::close_xdp_sockets() noexcept {
  if (xdp_sockets_.empty()) return;
  const std::vector<int> open = all_xdp_sockets();
  for (const int fd : std::exchange(xdp_sockets_, {})) {
    if (std::ranges::binary_search(open, fd)) ::close(fd);
  }
}

QueuePair Port::queue(std::size_t worker) const {
  if (peer_) return *peer_;
  if (!is_open_) return {};
  if (worker >= queues_) return {pool_, *handovers_[worker - queues_]};
  return {id_, static_cast<std::uint16_t>(worker), pool_, served_[worker]};
}

PortStatistics Port::statistics() const {
  const std::lock_guard lock(device_mutex_);
  return device_statistics();
}

PortStatistics Port::device_statistics() const {
  rte_eth_stats stats{};
  if (!is_open_ || rte_eth_stats_get(id_, &stats) != 0) return past_;
  return {.received = past_.received + stats.ipackets,
          .transmitted = past_.transmitted + stats.opackets,
          .rx_missed = past_.rx_missed + stats.imissed,
          .rx_errors = past_.rx_errors + stats.ierrors,
          .rx_no_buffer = past_.rx_no_buffer + stats.rx_nombuf,
          .tx_errors = past_.tx_errors + stats.oerrors,
          // Such a driver takes what it cannot send; others leave it with us.
          .tx_lost = past_.tx_lost + (traits_.keeps_unsent ? stats.oerrors : 0)};
}

std::size_t Port::buffers_in_use() const {
  const std::lock_guard lock(device_mutex_);
  return pool_ == nullptr ? 0 : rte_mempool_in_use_count(pool_);
}

void Port::set_mac(probes::MacAddr mac) noexcept {
  std::uint64_t packed = 0;
  for (const std::uint8_t byte : mac.bytes) packed = packed << 8 | byte;
  mac_.store(packed, std::memory_order_relaxed);
}

probes::MacAddr Port::mac() const noexcept {
  return Neighbours::unpack_mac(mac_.load(std::memory_order_relaxed));
}

// --- held, and opened anew -----------------------------------------------------------------------

std::optional<LinkView> Port::look(Interfaces& interfaces) {
  std::optional<LinkView> view;
  if (!traits_.interface.empty()) {
    view = interfaces.look(traits_.interface);
  } else {
    view.emplace().has_carrier = driver_has_link(id_);
  }
  if (view) link_is_up_.store(view->has_link(), std::memory_order_relaxed);
  return view;
}

void Port::hold() noexcept {
  // Release and acquire order what the workers and this thread do with the port.
  if (!is_held()) era_.fetch_add(1, std::memory_order_acq_rel);
}

void Port::let_go(std::size_t worker, std::uint32_t era) noexcept {
  let_go_[worker].store(era, std::memory_order_release);
}

bool Port::is_free() const noexcept {
  const std::uint32_t now = era();
  for (std::size_t i = 0; i < workers_; ++i) {
    if (let_go_[i].load(std::memory_order_acquire) != now) return false;
  }
  return is_held(now);
}

void Port::close() noexcept {
  BACKSIGHT_ASSERT(is_free());
  const std::lock_guard lock(device_mutex_);
  close_device();
}

Expected<void> Port::reopen() {
  BACKSIGHT_ASSERT(is_free() && !is_open_);
  const std::lock_guard lock(device_mutex_);
  auto opened = open_device();
  if (opened) reopened_.fetch_add(1, std::memory_order_relaxed);
  return opened;
}

void Port::resume(const LinkView& view) noexcept {
  BACKSIGHT_ASSERT(is_free() && is_open_);
  if (!traits_.interface.empty() && traits_.speaks_for_interface) set_mac(view.mac);
  answers_ = decide_answers(config_);
  neighbours_.forget();
  era_.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace backsight::engine
