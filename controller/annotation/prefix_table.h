// Which prefix an address belongs to, and who announces it.
// Thread: any, once read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "probes/ip/address.h"

namespace backsight::controller {

struct Origin {
  probes::Ipv4Prefix prefix;
  std::uint32_t asn = 0;  // the first of several (multiple origins, AS sets)
};

class PrefixTable {
 public:
  PrefixTable() = default;

  // Reads the rows of origin_rows.h; the file may be packed (packed_file.h).
  struct Read;
  [[nodiscard]] static Expected<Read> read(const std::filesystem::path& file);
  // No prefix shorter is taken: none is announced but as a default route, whose networks have no
  // more in common than the Internet.
  static constexpr std::uint8_t kShortest = 8;

  // Of a prefix that stands twice the first counts; those shorter than kShortest are left out.
  [[nodiscard]] static PrefixTable of(std::vector<Origin> origins);
  // With more of them; of a prefix that is there already, what is there counts.
  [[nodiscard]] PrefixTable with(const std::vector<Origin>& more) const;

  // The longest prefix that holds the address. Nothing for one that names nobody
  // (probes/ip/special_purpose.h), whoever announces it.
  [[nodiscard]] std::optional<Origin> find(probes::Ipv4Addr address) const noexcept;
  // 0: not known.
  [[nodiscard]] std::uint32_t asn(probes::Ipv4Addr address) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return origins_.size(); }
  // All of them, by base and length.
  [[nodiscard]] const std::vector<Origin>& origins() const noexcept { return origins_; }

 private:
  // One for each value of an address's upper half, and an end.
  static constexpr std::size_t kHalves = std::size_t{1} << 16;

  void add_range(std::uint64_t first, std::int32_t origin);
  void index_halves();
  [[nodiscard]] std::int32_t origin_of(probes::Ipv4Addr address) const noexcept;

  std::vector<Origin> origins_;
  // Ranges that do not overlap, by their first address, each with its most specific origin. Empty
  // or from address 0 on.
  std::vector<std::uint32_t> first_;
  std::vector<std::int32_t> origin_;  // into origins_; -1: none
  std::vector<std::uint32_t> half_;   // the range that holds the first address of the half
};

struct PrefixTable::Read {
  PrefixTable table;
  std::uint64_t passed = 0;             // rows that were not used
  std::vector<std::string> complaints;  // one sentence each
};

}  // namespace backsight::controller
