// One process of ours for each interface of a network namespace, or each PCI device: two would take
// each other's packets and detach each other's XDP program.
#pragma once

#include <string>

#include "config/error.h"

namespace backsight::engine {

// Held from take() until it goes, or the process ends, however that comes about.
class InterfaceLock {
 public:
  // `port` is what the config calls it, for the sentence.
  [[nodiscard]] static Expected<InterfaceLock> take(const std::string& port,
                                                    const std::string& name);
  InterfaceLock(InterfaceLock&& other) noexcept;
  InterfaceLock& operator=(InterfaceLock&&) = delete;
  ~InterfaceLock();

 private:
  explicit InterfaceLock(int socket) : socket_(socket) {}
  int socket_;  // bound to the name: abstract names belong to a network namespace (unix(7))
};

}  // namespace backsight::engine
