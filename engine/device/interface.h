// What Linux tells of its network interfaces, by rtnetlink (rtnetlink(7)).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/error.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

// A port's interface at one moment; of a port that has none, its driver's link.
struct LinkView {
  bool exists = true;
  bool is_ethernet = true;
  bool is_up = true;  // its owner has set it up
  bool has_carrier = true;
  unsigned index = 0;  // of the interface; another one if it was made anew
  probes::MacAddr mac;
  std::uint32_t mtu = 0;          // bytes of IP; 0: not known
  std::uint32_t losses = 0;       // of the carrier, since the interface was made
  std::uint32_t xdp_program = 0;  // the number of the one attached; 0: none

  [[nodiscard]] bool has_link() const noexcept { return exists && is_up && has_carrier; }
};

// Thread: one at a time; wake() is any thread's.
class Interfaces {
 public:
  // Opens the netlink sockets, in the network namespace of the calling thread.
  [[nodiscard]] static Expected<Interfaces> open();
  Interfaces(Interfaces&& other) noexcept;
  Interfaces& operator=(Interfaces&&) = delete;
  ~Interfaces();

  // The interface of that name as it is now; without one, `exists` is false. Nothing: the kernel
  // did not answer.
  [[nodiscard]] std::optional<LinkView> look(const std::string& name);
  // Returns when something about an interface changed, wake() was called, or the time is over.
  void wait(std::chrono::milliseconds patience);
  void wake() const;

 private:
  Interfaces(int asking, int hearing, int waking)
      : asking_(asking), hearing_(hearing), waking_(waking) {}

  int asking_;   // questions and their answers
  int hearing_;  // changes, told by the kernel
  int waking_;   // eventfd
  std::uint32_t sequence_ = 0;
};

// The one interface now.
[[nodiscard]] Expected<LinkView> look_at_interface(const std::string& name);

}  // namespace backsight::engine
