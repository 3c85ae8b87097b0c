// The controller's files of prefixes, exchanges' members, aliases and places, plain or packed in
// any of four ways: read without a fault, and what is found holds what was asked for.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "controller/annotation/alias_table.h"
#include "controller/annotation/exchange_members.h"
#include "controller/annotation/prefix_table.h"
#include "controller/atlas_import/json_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace backsight;

std::filesystem::path write_file(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                            ("backsight-fuzz-tables-" + std::to_string(::getpid()));
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return file;
}

void check_prefixes(const std::filesystem::path& file) {
  const auto read = controller::PrefixTable::read(file);
  if (!read) return;
  for (const controller::Origin& origin : read->table.origins()) {
    const probes::Ipv4Addr last{origin.prefix.base.value | ~origin.prefix.mask()};
    const auto found = read->table.find(last);
    if (probes::names_nobody(last)) {
      if (found) std::abort();
      continue;
    }
    if (!found || found->asn == 0) std::abort();
    if (!found->prefix.contains(last) || found->prefix.length < origin.prefix.length) std::abort();
  }
}

void check_members(const std::filesystem::path& file) {
  const auto read = controller::read_exchange_members(file);
  if (!read) return;
  for (const controller::Origin& member : read->members) {
    if (member.asn == 0 || member.prefix.length > 32) std::abort();
  }
}

void check_aliases(const std::filesystem::path& file) {
  const auto read = controller::AliasTable::read(file);
  if (!read && read.error().sentence.empty()) std::abort();
}

void check_rows(const std::filesystem::path& file) {
  auto rows = controller::JsonRows::open(file);
  if (!rows) return;
  while (true) {
    const auto row = rows->next();
    if (!row || !row->has_value()) return;
    if ((*row)->empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path file = write_file(data, size);
  check_prefixes(file);
  check_members(file);
  check_aliases(file);
  check_rows(file);
  std::filesystem::remove(file);
  return 0;
}
