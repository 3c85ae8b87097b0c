#include "controller/annotation/prefix_table.h"

#include <algorithm>
#include <utility>

#include "controller/annotation/origin_rows.h"
#include "controller/annotation/packed_file.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {

Expected<PrefixTable::Read> PrefixTable::read(const std::filesystem::path& file) {
  auto opened = PackedFile::open(file);
  if (!opened) return tl::unexpected(opened.error());
  auto rows = read_origin_rows(std::move(*opened));
  if (!rows) return tl::unexpected(rows.error());
  return Read{of(std::move(rows->origins)), rows->passed, std::move(rows->complaints)};
}

PrefixTable PrefixTable::of(std::vector<Origin> origins) {
  PrefixTable table;
  table.origins_ = std::move(origins);
  auto& all = table.origins_;
  std::erase_if(all, [](const Origin& it) { return it.prefix.length < kShortest; });
  std::stable_sort(all.begin(), all.end(),
                   [](const Origin& a, const Origin& b) { return a.prefix < b.prefix; });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const Origin& a, const Origin& b) { return a.prefix == b.prefix; }),
            all.end());
  if (all.empty()) return table;

  // Prefixes that hold the address where the sweep stands, the longest last.
  std::vector<std::int32_t> open;
  const auto after = [&all](std::int32_t origin) {
    const probes::Ipv4Prefix& prefix = all[static_cast<std::size_t>(origin)].prefix;
    return std::uint64_t{prefix.base.value | ~prefix.mask()} + 1;
  };
  const auto close_until = [&](std::uint64_t address) {
    while (!open.empty() && after(open.back()) <= address) {
      const std::uint64_t end = after(open.back());
      open.pop_back();
      table.add_range(end, open.empty() ? -1 : open.back());
    }
  };
  table.add_range(0, -1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    close_until(all[i].prefix.base.value);
    open.push_back(static_cast<std::int32_t>(i));
    table.add_range(all[i].prefix.base.value, open.back());
  }
  close_until(std::uint64_t{1} << 32);
  table.index_halves();
  return table;
}

PrefixTable PrefixTable::with(const std::vector<Origin>& more) const {
  std::vector<Origin> all = origins_;
  all.insert(all.end(), more.begin(), more.end());
  return of(std::move(all));
}

// The range before ends here. One that holds nothing is replaced.
void PrefixTable::add_range(std::uint64_t first, std::int32_t origin) {
  if (first > 0xffffffffU) return;
  if (!first_.empty() && first_.back() == first) {
    origin_.back() = origin;
    return;
  }
  first_.push_back(static_cast<std::uint32_t>(first));
  origin_.push_back(origin);
}

void PrefixTable::index_halves() {
  half_.resize(kHalves + 1);
  std::uint32_t range = 0;
  for (std::size_t half = 0; half < kHalves; ++half) {
    while (range + 1 < first_.size() && first_[range + 1] <= half << 16) ++range;
    half_[half] = range;
  }
  half_[kHalves] = static_cast<std::uint32_t>(first_.size() - 1);
}

std::int32_t PrefixTable::origin_of(probes::Ipv4Addr address) const noexcept {
  if (first_.empty() || probes::names_nobody(address)) return -1;
  const std::size_t half = address.value >> 16;
  const std::uint32_t* begin = first_.data() + half_[half];
  const std::uint32_t* end = first_.data() + half_[half + 1] + 1;
  const std::uint32_t* next = std::upper_bound(begin, end, address.value);
  return origin_[static_cast<std::size_t>(next - first_.data()) - 1];
}

std::optional<Origin> PrefixTable::find(probes::Ipv4Addr address) const noexcept {
  const std::int32_t origin = origin_of(address);
  if (origin < 0) return std::nullopt;
  return origins_[static_cast<std::size_t>(origin)];
}

std::uint32_t PrefixTable::asn(probes::Ipv4Addr address) const noexcept {
  const std::int32_t origin = origin_of(address);
  return origin < 0 ? 0 : origins_[static_cast<std::size_t>(origin)].asn;
}

}  // namespace backsight::controller
