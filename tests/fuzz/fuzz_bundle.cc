// What rows a journal may hold of a table, whoever wrote them: what is bundled satisfies the
// schema, and a row is bundled or rejected.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../storage/fake_disk.h"
#include "controller/archive/bundle.h"
#include "controller/archive/row_check.h"
#include "controller/journal/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace backsight;
using controller::BundleName;
using controller::Datatype;

constexpr std::uint64_t kNoon = 1'767'268'800'000'000;
const controller::ArchiveLayout kLayout("/a");

std::string unpacked(const std::vector<std::byte>& packed, std::size_t bytes) {
  std::string content(bytes, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) std::abort();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  if (inflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  content.resize(stream.total_out);
  inflateEnd(&stream);
  return content;
}

// Returns how many there are.
std::uint64_t check_rows(const std::string& content, Datatype datatype) {
  controller::RowCheck check(datatype);
  std::uint64_t rows = 0;
  for (std::size_t begin = 0; begin < content.size(); ++rows) {
    const std::size_t end = content.find('\n', begin);
    if (end == std::string::npos) std::abort();
    if (!check.fault(content.substr(begin, end - begin)).empty()) std::abort();
    begin = end + 1;
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHeadOfRow = 1000;
  if (size < 2) return 0;
  const auto datatype = controller::kAllDatatypes[data[0] % controller::kDatatypes];
  const std::string_view rows(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto lines =
      static_cast<std::uint64_t>(std::ranges::count(rows, '\n')) + (rows.ends_with('\n') ? 0 : 1);
  storage::FakeDisk disk;
  std::vector<std::string> complaints;
  const auto journal =
      controller::Journal::open(disk, kLayout.journal_directory(), {}, nullptr, complaints);
  if (!journal) std::abort();
  (*journal)->measured(name(datatype), rows, lines, kNoon);
  if (!(*journal)->sync()) std::abort();
  const auto maker = controller::BundleMaker::open(disk, kLayout, {}, {});
  if (!maker || !(*maker)->advance((*journal)->readable_end())) std::abort();
  const BundleName name{kNoon, datatype};
  const auto paths = disk.paths();
  const bool is_bundled = std::ranges::count(paths, kLayout.bundle(name)) != 0;
  const std::uint64_t bundled =
      is_bundled ? check_rows(unpacked(disk.bytes(kLayout.bundle(name)), size + lines * kHeadOfRow),
                              datatype)
                 : 0;
  if (is_bundled != (bundled > 0)) std::abort();
  if (bundled + (*maker)->take_report().rejected != lines) std::abort();
  return 0;
}
