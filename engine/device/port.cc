#include "engine/device/port.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "engine/device/eal.h"
#include "engine/device/prefetch.h"
#include "probes/wire/assert.h"

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

}  // namespace

RxBurst::~RxBurst() { clear(); }

void RxBurst::clear() noexcept {
  if (count_ != 0) rte_pktmbuf_free_bulk(packets_.data(), count_);
  count_ = 0;
}

std::span<std::byte> RxBurst::bytes(std::size_t index) const noexcept {
  rte_mbuf* packet = packets_[index];
  return {rte_pktmbuf_mtod(packet, std::byte*), rte_pktmbuf_data_len(packet)};
}

void RxBurst::prefetch() const noexcept {
  // Where our pools' packets begin. Asking their descriptions would wait for those.
  constexpr std::size_t kData = sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM;
  for (std::size_t i = 0; i < count_; ++i) {
    auto* const packet = reinterpret_cast<std::byte*>(packets_[i]);
    prefetch_to_write(packet);
    prefetch_to_read(packet + kData);
    prefetch_to_read(packet + kData + 64);
  }
}

TxBurst::~TxBurst() { clear(); }

void TxBurst::clear() noexcept {
  if (count_ != 0) rte_pktmbuf_free_bulk(packets_.data(), count_);
  used_ = count_ = 0;
}

bool TxBurst::reserve(rte_mempool* pool, std::size_t count) noexcept {
  BACKSIGHT_ASSERT(count_ + count <= kBurst);
  if (count == 0) return true;
  if (rte_pktmbuf_alloc_bulk(pool, &packets_[count_], static_cast<unsigned>(count)) != 0) {
    return false;
  }
  count_ = static_cast<std::uint16_t>(count_ + count);
  return true;
}

std::byte* TxBurst::append(std::size_t bytes) noexcept {
  BACKSIGHT_ASSERT(used_ < count_);
  rte_mbuf* packet = packets_[used_++];
  packet->data_len = static_cast<std::uint16_t>(bytes);
  packet->pkt_len = static_cast<std::uint32_t>(bytes);
  return rte_pktmbuf_mtod(packet, std::byte*);
}

void TxBurst::append_all(std::span<const std::uint16_t> sizes,
                         std::span<std::byte*> frames) noexcept {
  BACKSIGHT_ASSERT(sizes.size() == reserved() && sizes.size() <= frames.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    rte_mbuf* const packet = packets_[used_ + i];
    packet->data_len = sizes[i];
    packet->pkt_len = sizes[i];
    frames[i] = rte_pktmbuf_mtod(packet, std::byte*);
  }
  used_ = count_;
}

void QueuePair::receive(RxBurst& burst) noexcept {
  BACKSIGHT_ASSERT(burst.count_ == 0);
  if (handover_ != nullptr) {
    burst.count_ = static_cast<std::uint16_t>(handover_->receive(burst.packets_));
    return;
  }
  burst.count_ = rte_eth_rx_burst(port_, queue_, burst.packets_.data(), kBurst);
  // Few packets are not worth the way to another core.
  if (served_.empty() || burst.count_ < kBurst / 2) return;
  const std::size_t turn = turn_;
  turn_ = turn_ == served_.size() ? 0 : turn_ + 1;
  if (turn == served_.size()) return;
  const std::span<rte_mbuf*> packets(burst.packets_.data(), burst.count_);
  const std::size_t taken = served_[turn]->deliver(packets);
  std::copy(packets.begin() + static_cast<std::ptrdiff_t>(taken), packets.end(), packets.begin());
  burst.count_ = static_cast<std::uint16_t>(burst.count_ - taken);
}

std::size_t QueuePair::transmit(TxBurst& burst) const noexcept {
  const std::size_t sent =
      handover_ != nullptr ? handover_->send(std::span(burst.packets_.data(), burst.used_))
                           : rte_eth_tx_burst(port_, queue_, burst.packets_.data(), burst.used_);
  std::copy(burst.packets_.begin() + static_cast<std::ptrdiff_t>(sent),
            burst.packets_.begin() + burst.count_, burst.packets_.begin());
  burst.used_ = static_cast<std::uint16_t>(burst.used_ - sent);
  burst.count_ = static_cast<std::uint16_t>(burst.count_ - sent);
  return sent;
}

Port::Port(const config::PortConfig& config, std::uint16_t id, const TscClock& clock)
    : config_(config),
      id_(id),
      shares_mac_(device_name(config.device).starts_with("net_tap")),
      answers_(decide_answers(config)),
      neighbours_(config, clock) {}

Port::~Port() {
  handovers_.clear();
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  rte_mempool_free(pool_);
}

Expected<std::unique_ptr<Port>> Port::open(const config::PortConfig& config, std::size_t workers,
                                           const TscClock& clock) {
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(device_name(config.device).c_str(), &id) != 0) {
    return port_error(config,
                      is_virtual(config.device)
                          ? "DPDK could not make this device; what it says above tells why"
                          : "DPDK finds no such device; `dpdk-devbind.py --status` lists PCI "
                            "devices and their drivers");
  }
  std::unique_ptr<Port> port(new Port(config, id, clock));
  if (auto configured = port->configure(workers); !configured) {
    return tl::unexpected(configured.error());
  }
  return port;
}

Expected<void> Port::configure(std::size_t workers) {
  rte_eth_dev_info info{};
  if (const int failed = rte_eth_dev_info_get(id_, &info); failed != 0) {
    return port_error(config_, fmt::format("tells nothing of itself ({})", rte_strerror(-failed)));
  }
  const auto queues = static_cast<std::uint16_t>(
      std::min<std::size_t>({workers, info.max_rx_queues, info.max_tx_queues}));
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
  const auto waiting = static_cast<unsigned>(2 * Handover::kSlots * (workers - queues) / queues);
  const auto per_queue = static_cast<unsigned>(rx + tx + 4U * kBurst + kPoolCache) + waiting;
  pool_ =
      rte_pktmbuf_pool_create(fmt::format("port{}", id_).c_str(), per_queue * queues, kPoolCache, 0,
                              RTE_MBUF_DEFAULT_BUF_SIZE, rte_eth_dev_socket_id(id_));
  if (pool_ == nullptr) {
    return port_error(config_, fmt::format("no memory for {} packet buffers ({})",
                                           per_queue * queues, rte_strerror(rte_errno)));
  }
  const auto socket = static_cast<unsigned>(std::max(0, rte_eth_dev_socket_id(id_)));
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    int failed = rte_eth_rx_queue_setup(id_, queue, rx, socket, nullptr, pool_);
    if (failed == 0) failed = rte_eth_tx_queue_setup(id_, queue, tx, socket, nullptr);
    if (failed != 0) {
      return port_error(
          config_, fmt::format("queue {} cannot be set up ({})", queue, rte_strerror(-failed)));
    }
  }
  if (const int failed = rte_eth_dev_start(id_); failed != 0) {
    return port_error(config_, fmt::format("does not start ({})", rte_strerror(-failed)));
  }
  for (std::size_t worker = queues; worker < workers; ++worker) {
    handovers_.push_back(std::make_unique<Handover>(fmt::format("port{}w{}", id_, worker).c_str()));
  }
  rte_ether_addr mac{};
  if (rte_eth_macaddr_get(id_, &mac) == 0) {
    std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), mac_.bytes.begin());
  }
  return {};
}

QueuePair Port::queue(std::size_t worker) const {
  if (worker >= queues_) return {pool_, *handovers_[worker - queues_]};
  std::vector<Handover*> served;
  for (std::size_t i = 0; i < handovers_.size(); ++i) {
    if ((queues_ + i) % queues_ == worker) served.push_back(handovers_[i].get());
  }
  return {id_, static_cast<std::uint16_t>(worker), pool_, std::move(served)};
}

PortStatistics Port::statistics() const {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) != 0) return {};
  return {.received = stats.ipackets,
          .transmitted = stats.opackets,
          .rx_missed = stats.imissed,
          .rx_errors = stats.ierrors,
          .rx_no_buffer = stats.rx_nombuf,
          .tx_errors = stats.oerrors};
}

bool Port::link_is_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

std::size_t Port::buffers_in_use() const { return rte_mempool_in_use_count(pool_); }

}  // namespace backsight::engine
