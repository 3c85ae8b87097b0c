// Crafting and parsing take nothing from the heap.
#include <array>

#include <gtest/gtest.h>

#include "captures.h"
#include "golden.h"
#include "probes/reading/reply.h"
#include "probes/reading/route_reading.h"
#include "tests/support/heap_counter.h"

namespace backsight::probes {
namespace {

using testing::heap_allocations;

TEST(Heap, IsSeenByTheCounter) {
  const std::size_t before = heap_allocations();
  const testing::Packet memory = testing::from_hex("00");
  EXPECT_GT(heap_allocations(), before);
}

TEST(Heap, IsNotUsedToCraft) {
  for (const Shape& shape : testing::kAllShapes) {
    const ProbeFields fields = testing::golden_fields(shape);
    std::array<std::byte, kMaxProbeBytes> out;
    const std::size_t before = heap_allocations();
    const Template prepared(shape);
    static_cast<void>(prepared.craft(fields, out.data()));
    EXPECT_EQ(heap_allocations(), before);
  }
}

TEST(Heap, IsNotUsedToParse) {
  for (const std::string_view capture : testing::captures::kAll) {
    testing::Packet frame = testing::from_hex(capture);
    const std::size_t before = heap_allocations();
    const auto reply = parse_frame(frame);
    const bool is_read = reply.has_value();
    if (is_read) {
      static_cast<void>(read_route(reply->options.record_route, reply->from));
    }
    frame.resize(20);
    const bool is_refused = !parse_frame(frame).has_value();
    EXPECT_EQ(heap_allocations(), before);
    EXPECT_TRUE(is_read);
    EXPECT_TRUE(is_refused);
  }
}

}  // namespace
}  // namespace backsight::probes
