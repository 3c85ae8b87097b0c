#include "storage/durable_number.h"

#include <array>
#include <optional>

#include "storage/log/log_format.h"

namespace backsight::storage {

namespace {

constexpr std::uint64_t kSlotDistance = 512;  // a disk sector: torn apart from the other slot
constexpr std::size_t kSlotBytes = 12;

std::optional<std::uint64_t> parse_slot(std::span<const std::byte> bytes) {
  if (bytes.size() < kSlotBytes) return std::nullopt;
  if (load_le32(bytes.data() + 8) != crc32_of(bytes.first(8))) return std::nullopt;
  return load_le64(bytes.data());
}

}  // namespace

Expected<DurableNumber> DurableNumber::open(FileSystem& files, std::string directory,
                                            std::string name) {
  DurableNumber number(files, std::move(directory), std::move(name));
  auto file = files.open_to_read(number.directory_ + "/" + number.name_);
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return number;
  for (unsigned slot = 0; slot < 2; ++slot) {
    std::array<std::byte, kSlotBytes> bytes{};
    const auto got = (*file)->read_at(slot * kSlotDistance, bytes);
    if (!got) return tl::unexpected(got.error());
    const auto value = parse_slot(std::span(bytes).first(*got));
    if (value && *value > number.value_) {
      number.value_ = *value;
      number.slot_ = slot;
    }
  }
  return number;
}

Expected<void> DurableNumber::store(std::uint64_t value) {
  if (value <= value_) return {};
  const bool is_first = file_ == nullptr;
  if (is_first) {
    auto file = files_->open_to_write(directory_ + "/" + name_);
    if (!file) return tl::unexpected(file.error());
    file_ = std::move(*file);
  }
  std::array<std::byte, kSlotBytes> bytes{};
  store_le64(bytes.data(), value);
  store_le32(bytes.data() + 8, crc32_of(std::span(bytes).first(8)));
  const unsigned slot = slot_ ^ 1;
  auto stored = file_->write_at(slot * kSlotDistance, bytes);
  if (stored) stored = file_->sync();
  if (stored && is_first) stored = files_->sync_directory(directory_);
  if (!stored) {
    file_ = nullptr;
    return stored;
  }
  value_ = value;
  slot_ = slot;
  return {};
}

}  // namespace backsight::storage
