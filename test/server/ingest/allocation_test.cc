// Counts the allocations of this program, to hold the promise that a message costs none.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/server/ingest/stream.h"

namespace {

std::atomic<size_t> allocations{0};
std::atomic<ptrdiff_t> live{0};  // not freed yet

void* AllocateOrNull(size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  live.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}

void* Allocate(size_t size) {
  void* memory = AllocateOrNull(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void Free(void* memory) {
  if (memory != nullptr) live.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return AllocateOrNull(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return AllocateOrNull(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { Free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }
void operator delete[](void* memory, size_t) noexcept { Free(memory); }

namespace ficus {
namespace {

// The messages of two measures that take turns, with metadata and spec on each.
std::vector<std::string> Turns() {
  std::vector<std::string> messages;
  for (const char* name : {"m", "n"}) {
    measure_v1::WriteRequest request = Stream::Right();
    request.mutable_metadata()->set_name(name);
    auto& family = *request.mutable_data_point_spec()->add_tag_family_spec();
    family.set_name("default");
    for (const char* tag : {"id", "layer", "count"}) family.add_tag_names(tag);
    request.mutable_data_point_spec()->add_field_names(name[0] == 'm' ? "value" : "rate");
    messages.push_back(request.SerializeAsString());
  }
  return messages;
}

// Allocations of `count` messages once the buffers have grown for ten times as many.
size_t AllocationsOf(Stream& stream, const std::vector<std::string>& messages, size_t count) {
  const auto schema = stream.registry.Current();
  const auto write = [&](size_t i) {
    const auto outcome =
        stream.session.Write(messages[i % messages.size()], schema, kStreamNow, stream.sink);
    return outcome && outcome->status == WriteStatus::kSucceed;
  };
  bool right = true;
  for (size_t i = 0; i < 10 * count; ++i) right = write(i) && right;
  const size_t before = allocations.load();
  for (size_t i = 0; i < count; ++i) right = write(i) && right;
  const size_t after = allocations.load();
  REQUIRE(right);
  return after - before;
}

}  // namespace

TEST_CASE("a message of one measure after the other allocates nothing", "[ingest][allocation]") {
  Stream stream;
  measure_v1::WriteRequest bare = Stream::Right();
  REQUIRE(stream.Write(bare));
  bare.clear_metadata();
  // The columns double now and then.
  REQUIRE(AllocationsOf(stream, {bare.SerializeAsString()}, 1000) < 10);
}

TEST_CASE("metadata that is repeated allocates nothing", "[ingest][allocation]") {
  Stream stream;
  REQUIRE(AllocationsOf(stream, {Stream::Right().SerializeAsString()}, 1000) < 10);
}

TEST_CASE("measures that take turns cost a few allocations for what changed",
          "[ingest][allocation]") {
  Stream stream;
  stream.Create(ProposeMeasure("g", "n"));
  // New metadata and the copy of a spec: no new positions.
  REQUIRE(AllocationsOf(stream, Turns(), 1000) < 12 * 1000);
}

TEST_CASE("a stream that names ever other measures does not grow", "[ingest][allocation]") {
  Stream stream;
  measure_v1::WriteRequest request = Stream::Right();
  const auto name_some = [&](int begin, int end) {
    bool right = true;
    for (int i = begin; i < end; ++i) {
      request.mutable_metadata()->set_name("a name that is long enough to be allocated " +
                                           std::to_string(i));
      const auto outcome = stream.Write(request);
      right = right && outcome && outcome->status == WriteStatus::kInternalError;
    }
    REQUIRE(right);
  };
  name_some(0, 5000);
  const ptrdiff_t before = live.load();
  name_some(5000, 50'000);
  REQUIRE(live.load() - before < 10'000);
  REQUIRE(stream.Write(Stream::Right())->status == WriteStatus::kSucceed);
}

}  // namespace ficus
