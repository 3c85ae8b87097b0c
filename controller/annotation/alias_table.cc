#include "controller/annotation/alias_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/reading/text_file.h"
#include "controller/annotation/complaints.h"
#include "controller/annotation/packed_file.h"

namespace backsight::controller {

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r,";
  std::vector<std::string_view> words;
  std::size_t begin = line.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  if (words.size() >= 2 && words[0] == "node" && words[1].ends_with(':')) {
    words.erase(words.begin(), words.begin() + 2);
  }
  return words;
}

}  // namespace

Expected<AliasTable::Read> AliasTable::read(const std::filesystem::path& file) {
  auto lines = PackedLines::open(file);
  if (!lines) return tl::unexpected(lines.error());
  Complaints complaints(file.string(), "line");
  Read read;
  std::uint64_t rows = 0;
  while (true) {
    const auto line = lines->next();
    if (!line) return tl::unexpected(line.error());
    if (!line->has_value()) break;
    probes::Ipv4Addr first;
    bool has_two = false;
    for (const std::string_view word : words_of((*line)->substr(0, (*line)->find('#')))) {
      const auto address = probes::parse_ipv4(word);
      if (!address || probes::names_nobody(*address)) {  // ITDK has some as place holders
        complaints.add(lines->number(),
                       fmt::format("{} is {}", config::in_quotes(word),
                                   address ? "private or reserved: it joins no routers"
                                           : "no IPv4 address of a router"));
        continue;
      }
      if (first.is_unspecified()) first = *address;
      has_two |= first != *address;
      read.table.unite(first, *address);
    }
    rows += first.is_unspecified() ? 0 : 1;
    read.alone += first.is_unspecified() || has_two ? 0 : 1;
  }
  read.passed = complaints.count();
  read.complaints = complaints.take();
  if (read.table.routers() != 0) return read;
  if (rows == 0 && !read.complaints.empty()) {
    return bad_usage(fmt::format("{} (and no line is better)", read.complaints.front()));
  }
  return bad_usage(
      fmt::format("{}: names no router with two addresses; write the addresses of a router on one "
                  "line, or use CAIDA's ITDK (*.nodes)",
                  file.string()));
}

// The router of the address, a new one when it had none.
std::uint32_t AliasTable::router_of(probes::Ipv4Addr address) {
  const auto known = router_.find(address);
  if (known != router_.end()) return known->second;
  std::uint32_t router = static_cast<std::uint32_t>(members_.size());
  if (free_.empty()) {
    members_.emplace_back();
  } else {
    router = free_.back();
    free_.pop_back();
  }
  members_[router].push_back(address);
  router_.emplace(address, router);
  return router;
}

void AliasTable::unite(probes::Ipv4Addr one, probes::Ipv4Addr other) {
  if (one == other || probes::names_nobody(one) || probes::names_nobody(other)) return;
  std::uint32_t into = router_of(one);
  std::uint32_t from = router_of(other);
  if (into == from) return;
  if (members_[into].size() < members_[from].size()) std::swap(into, from);
  Members& all = members_[into];
  const auto middle = static_cast<std::ptrdiff_t>(all.size());
  for (const probes::Ipv4Addr address : members_[from]) {
    router_[address] = into;
    all.push_back(address);
  }
  std::inplace_merge(all.begin(), all.begin() + middle, all.end());
  members_[from] = {};
  free_.push_back(from);
}

void AliasTable::add(const AliasTable& other) {
  for (const Members& members : other.members_) {
    for (const probes::Ipv4Addr it : members) unite(members.front(), it);
  }
}

probes::Ipv4Addr AliasTable::find(probes::Ipv4Addr address) const noexcept {
  const auto known = router_.find(address);
  return known == router_.end() ? address : members_[known->second].front();
}

std::vector<probes::Ipv4Addr> AliasTable::all_of(probes::Ipv4Addr address) const {
  const auto known = router_.find(address);
  return known == router_.end() ? std::vector{address} : members_[known->second];
}

}  // namespace backsight::controller
