// Which addresses are one router's. From the operator's file, and from what was learned on the way.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/error.h"
#include "probes/ip/address.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {

class AliasTable {
 public:
  // One router a line, its addresses separated by blanks; "#" begins a comment; the "node N1:" of
  // CAIDA's ITDK is passed. The file may be packed (packed_file.h). Odd words are skipped and told
  // by line, and so are addresses that name nobody (probes/ip/special_purpose.h). An address on two
  // lines makes them one router. A file without a router that has two addresses is refused.
  struct Read;
  [[nodiscard]] static Expected<Read> read(const std::filesystem::path& file);

  // They are one router's. One that names nobody joins nothing.
  void unite(probes::Ipv4Addr one, probes::Ipv4Addr other);
  // All that another table knows.
  void add(const AliasTable& other);
  // Whether they are known to be one router's. An address that names nobody is nobody's, also where
  // it stands twice.
  [[nodiscard]] bool same(probes::Ipv4Addr one, probes::Ipv4Addr other) const noexcept {
    return !probes::names_nobody(one) && (one == other || find(one) == find(other));
  }
  // Whether they may be what was seen of one router at one place of a way.
  [[nodiscard]] bool agree(probes::Ipv4Addr one, probes::Ipv4Addr other) const noexcept {
    return one == other || same(one, other);
  }
  // The router of an address: the lowest of its addresses. The address itself when it has no alias.
  [[nodiscard]] probes::Ipv4Addr find(probes::Ipv4Addr address) const noexcept;
  // All addresses of the router, itself included, in order.
  [[nodiscard]] std::vector<probes::Ipv4Addr> all_of(probes::Ipv4Addr address) const;
  // With more than one address.
  [[nodiscard]] std::size_t routers() const noexcept { return members_.size() - free_.size(); }

 private:
  using Members = std::vector<probes::Ipv4Addr>;  // in order

  std::uint32_t router_of(probes::Ipv4Addr address);

  std::unordered_map<probes::Ipv4Addr, std::uint32_t> router_;  // into members_
  std::vector<Members> members_;
  std::vector<std::uint32_t> free_;  // places in members_ whose router became part of another
};

struct AliasTable::Read {
  AliasTable table;
  std::uint64_t passed = 0;  // words that are no address of a router
  std::uint64_t alone = 0;   // lines of one address, which join nothing
  std::vector<std::string> complaints;
};

}  // namespace backsight::controller
