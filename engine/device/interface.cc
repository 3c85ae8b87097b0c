#include "engine/device/interface.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace backsight::engine {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kAnswerBytes = 32768;
constexpr int kAnswerPatienceMs = 1'000;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 3) & ~std::size_t{3}; }

// The structure at the beginning of the bytes; zeros where they end early.
template <typename T>
T load(Bytes bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

// Calls `take(type, payload)` for each attribute.
template <typename Take>
void each_attribute(Bytes bytes, Take take) {
  while (bytes.size() >= sizeof(rtattr)) {
    const auto head = load<rtattr>(bytes);
    if (head.rta_len < sizeof head || head.rta_len > bytes.size()) return;
    take(static_cast<unsigned>(head.rta_type & NLA_TYPE_MASK),
         bytes.subspan(sizeof head, head.rta_len - sizeof head));
    bytes = bytes.subspan(std::min(aligned(head.rta_len), bytes.size()));
  }
}

LinkView read_link(Bytes message) {
  LinkView view;
  const auto head = load<ifinfomsg>(message);
  view.index = static_cast<unsigned>(head.ifi_index);
  view.is_ethernet = head.ifi_type == ARPHRD_ETHER;
  view.is_up = (head.ifi_flags & IFF_UP) != 0;
  each_attribute(message.subspan(std::min(aligned(sizeof head), message.size())),
                 [&view](unsigned type, Bytes value) {
                   switch (type) {
                     case IFLA_ADDRESS:
                       if (value.size() != view.mac.bytes.size()) break;
                       std::memcpy(view.mac.bytes.data(), value.data(), value.size());
                       break;
                     case IFLA_MTU:
                       view.mtu = load<std::uint32_t>(value);
                       break;
                     case IFLA_CARRIER:
                       view.has_carrier = load<std::uint8_t>(value) != 0;
                       break;
                     case IFLA_CARRIER_DOWN_COUNT:
                       view.losses = load<std::uint32_t>(value);
                       break;
                     case IFLA_XDP:
                       each_attribute(value, [&view](unsigned part, Bytes number) {
                         if (part == IFLA_XDP_PROG_ID) {
                           view.xdp_program = load<std::uint32_t>(number);
                         }
                       });
                       break;
                     default:
                       break;
                   }
                 });
  return view;
}

// What a message of the answer says, if it answers the question with this number.
std::optional<LinkView> read_answer(Bytes bytes, std::uint32_t sequence) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    const auto head = load<nlmsghdr>(bytes);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) return std::nullopt;
    const Bytes payload = bytes.subspan(sizeof head, head.nlmsg_len - sizeof head);
    if (head.nlmsg_seq == sequence) {
      if (head.nlmsg_type == RTM_NEWLINK) return read_link(payload);
      if (head.nlmsg_type != NLMSG_ERROR || load<nlmsgerr>(payload).error != -ENODEV) {
        return std::nullopt;
      }
      LinkView none;
      none.exists = none.is_up = none.has_carrier = false;
      return none;
    }
    bytes = bytes.subspan(std::min(aligned(head.nlmsg_len), bytes.size()));
  }
  return std::nullopt;
}

int open_netlink(unsigned groups) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

struct Question {
  nlmsghdr head;
  ifinfomsg link;
  rtattr mask_head;
  std::uint32_t mask;
  rtattr name_head;
  std::array<char, IFNAMSIZ> name;
};

bool has_input(int fd, int patience_ms) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, patience_ms) > 0;
}

}  // namespace

Expected<Interfaces> Interfaces::open() {
  Interfaces opened(open_netlink(0), open_netlink(RTMGRP_LINK), eventfd(0, EFD_CLOEXEC));
  if (opened.asking_ < 0 || opened.hearing_ < 0 || opened.waking_ < 0) {
    return run_failed(fmt::format(
        "the kernel does not tell of its network interfaces ({}); AF_NETLINK must be allowed",
        std::strerror(errno)));
  }
  return opened;
}

Interfaces::Interfaces(Interfaces&& other) noexcept
    : asking_(std::exchange(other.asking_, -1)),
      hearing_(std::exchange(other.hearing_, -1)),
      waking_(std::exchange(other.waking_, -1)),
      sequence_(other.sequence_) {}

Interfaces::~Interfaces() {
  for (const int fd : {asking_, hearing_, waking_}) {
    if (fd >= 0) close(fd);
  }
}

std::optional<LinkView> Interfaces::look(const std::string& name) {
  Question question{};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = RTM_GETLINK;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  question.head.nlmsg_seq = ++sequence_;
  question.mask_head = {sizeof(rtattr) + sizeof(std::uint32_t), IFLA_EXT_MASK};
  question.mask = RTEXT_FILTER_SKIP_STATS;
  question.name_head = {sizeof(rtattr) + IFNAMSIZ, IFLA_IFNAME};
  name.copy(question.name.data(), IFNAMSIZ - 1);
  if (send(asking_, &question, sizeof question, 0) < 0) return std::nullopt;
  std::array<std::byte, kAnswerBytes> answer;
  while (has_input(asking_, kAnswerPatienceMs)) {
    const ssize_t got = recv(asking_, answer.data(), answer.size(), 0);
    if (got < 0) return std::nullopt;
    const auto view = read_answer({answer.data(), static_cast<std::size_t>(got)}, sequence_);
    if (view) return view;
  }
  return std::nullopt;
}

void Interfaces::wait(std::chrono::milliseconds patience) {
  std::array<pollfd, 2> waiting{{{.fd = hearing_, .events = POLLIN, .revents = 0},
                                 {.fd = waking_, .events = POLLIN, .revents = 0}}};
  poll(waiting.data(), waiting.size(), static_cast<int>(patience.count()));
  // That something changed is enough; what, is looked up. (Lost news are news, too.)
  std::array<std::byte, kAnswerBytes> news;
  while (recv(hearing_, news.data(), news.size(), 0) > 0) {
  }
}

void Interfaces::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(write(waking_, &one, sizeof one));
}

Expected<LinkView> look_at_interface(const std::string& name) {
  auto interfaces = Interfaces::open();
  if (!interfaces) return tl::unexpected(interfaces.error());
  if (auto view = interfaces->look(name)) return *view;
  return run_failed(fmt::format("the kernel tells nothing of the interface {}", name));
}

}  // namespace backsight::engine
