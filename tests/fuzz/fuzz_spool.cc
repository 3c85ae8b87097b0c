// What a spool may hold after any damage: the archive opens, and what it bundles satisfies the
// schema; a row is bundled or rejected, or it was torn.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../storage/fake_disk.h"
#include "controller/archive/bundle.h"
#include "controller/archive/row_check.h"
#include "controller/archive/store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace backsight;
using controller::BundleName;
using controller::Datatype;

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

void check_rows(const std::string& content, Datatype datatype) {
  controller::RowCheck check(datatype);
  std::size_t begin = 0;
  while (begin < content.size()) {
    const std::size_t end = content.find('\n', begin);
    if (end == std::string::npos) std::abort();
    if (!check.fault(content.substr(begin, end - begin)).empty()) std::abort();
    begin = end + 1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto datatype = controller::kAllDatatypes[data[0] % controller::kDatatypes];
  const BundleName name{1'767'268'800'000'000, datatype};
  storage::FakeDisk disk;
  if (!disk.open_to_write(kLayout.spool(name))) std::abort();
  const auto* bytes = reinterpret_cast<const std::byte*>(data + 1);
  disk.bytes(kLayout.spool(name)).assign(bytes, bytes + size - 1);
  const auto lines = static_cast<std::uint64_t>(
      std::count(data + 1, data + size, static_cast<std::uint8_t>('\n')));

  const auto store = controller::ArchiveStore::open(disk, kLayout, {}, {});
  if (!store || (*store)->take_closed().size() != 1) std::abort();
  const auto report = controller::make_bundle(disk, kLayout, name);
  if (!report || report->rows + report->rejected != lines) std::abort();
  const auto paths = disk.paths();
  if (std::count(paths.begin(), paths.end(), kLayout.spool(name)) != 0) std::abort();
  const bool is_bundled = std::count(paths.begin(), paths.end(), kLayout.bundle(name)) != 0;
  if (is_bundled != (report->rows > 0)) std::abort();
  if (is_bundled) check_rows(unpacked(disk.bytes(kLayout.bundle(name)), size), datatype);
  return 0;
}
