// The bytes of a segment: whatever they are, a reader ends, a writer opens, and what it appends
// then is read behind what was there.
#include <cstdint>
#include <cstdlib>

#include "../storage/fake_disk.h"
#include "storage/log/log_reader.h"
#include "storage/log/log_writer.h"

namespace {

using namespace backsight::storage;

constexpr const char* kDirectory = "/q/log";

// Returns the position behind the last record; records come in order.
std::uint64_t read_all(FakeDisk& disk, std::size_t& records) {
  LogReader reader(disk, kDirectory, kFirstPosition);
  std::vector<std::string> complaints;
  std::uint64_t position = 0;
  records = 0;
  while (true) {
    const auto record = reader.next(complaints);
    if (!record) return 0;  // a newer version
    if (!*record) return reader.position();
    if ((*record)->position < position || (*record)->end() <= (*record)->position) std::abort();
    position = (*record)->end();
    ++records;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FakeDisk disk;
  const std::string path = segment_path(kDirectory, kFirstPosition);
  const auto bytes = std::as_bytes(std::span(data, size));
  if (!disk.open_to_write(path).value()->write_at(0, bytes)) std::abort();
  std::size_t before = 0;
  const std::uint64_t end = read_all(disk, before);
  if (end == 0) return 0;
  auto log = LogWriter::open(disk, kDirectory, {});
  if (!log) std::abort();
  if ((*log)->next_position() != end) std::abort();
  const std::byte payload[] = {std::byte{1}, std::byte{2}, std::byte{3}};
  if (end == UINT64_MAX) return 0;
  (*log)->append(payload);
  if (!(*log)->sync()) std::abort();
  std::size_t after = 0;
  if (read_all(disk, after) != end + 1 || after != before + 1) std::abort();
  return 0;
}
