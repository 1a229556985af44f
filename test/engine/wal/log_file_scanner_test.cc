#include "engine/wal/log_file_scanner.h"

#include <memory>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"
#include "engine/wal/group_encoder.h"
#include "test/engine/wal/log_world.h"

namespace ficus {
namespace {

// A file written by hand.
class LogFile {
 public:
  LogFile() {
    header_.log = LogId(3);
    header_.number = 1;
    header_.first = LogPosition(10);
    header_.prior = LogPosition(9);
    bytes_ = EncodeLogFileHeader(header_);
    header_.chain = LogHeaderChain(bytes_);
    chain_ = header_.chain;
  }

  // A group of one fragment with everything chosen.
  uint64_t Add(FragmentType type, uint64_t position, std::string_view payload,
               uint64_t synced = 0) {
    const uint64_t offset = bytes_.size();
    std::string group(kFragmentHeaderBytes, '\0');
    group += payload;
    FragmentHeader fragment;
    fragment.type = type;
    fragment.length = static_cast<uint16_t>(payload.size());
    fragment.previous = chain_;
    fragment.position = LogPosition(position);
    fragment.synced = LogPosition(synced);
    EncodeFragmentHeader({header_.log, 1, offset}, fragment, group.data());
    chain_ = fragment.checksum;
    group.resize(AlignToGroup(group.size()));
    bytes_ += group;
    return offset;
  }
  std::string& bytes() { return bytes_; }

  LogFileScanner Scanner() {
    file_ = fs_->Open("f" + std::to_string(++opened_), {.mode = OpenMode::kCreate}).value();
    file_->WriteAt(0, bytes_).value();
    return LogFileScanner(*file_, bytes_.size(), header_);
  }

 private:
  std::unique_ptr<MemoryFileSystem> fs_ = MemoryFileSystem::Create();
  std::unique_ptr<File> file_;
  int opened_ = 0;
  LogFileHeader header_;
  std::string bytes_;
  uint32_t chain_;
};

TEST_CASE("an empty file ends at its header", "[wal][scanner]") {
  LogFile file;
  file.bytes().resize(100'000);
  LogFileScanner scanner = file.Scanner();
  REQUIRE_FALSE(scanner.Next().value());
  REQUIRE(scanner.last() == LogPosition(9));
  REQUIRE(scanner.intact_end() == kLogHeaderBytes);
  const auto tail = scanner.InspectTail().value();
  REQUIRE(tail.used_end == kLogHeaderBytes);
  REQUIRE(tail.resume_offset == 0);
}

TEST_CASE("pieces are put together, what is between groups means nothing", "[wal][scanner]") {
  LogFile file;
  file.Add(FragmentType::kFull, 10, "ten");
  file.bytes()[8000] = 'x';
  file.Add(FragmentType::kMark, 10, "");
  file.Add(FragmentType::kFull, 11, "eleven");
  LogFileScanner scanner = file.Scanner();
  REQUIRE((*scanner.Next().value()).payload == "ten");
  REQUIRE((*scanner.Next().value()).payload == "eleven");
  REQUIRE_FALSE(scanner.Next().value());
  REQUIRE(scanner.batches() == 2);
  REQUIRE(scanner.last() == LogPosition(11));
}

TEST_CASE("a batch without its end is not part of the intact bytes", "[wal][scanner]") {
  LogFile file;
  file.Add(FragmentType::kFull, 10, "ten");
  file.Add(FragmentType::kFirst, 11, "half");
  LogFileScanner scanner = file.Scanner();
  REQUIRE(scanner.Next().value());
  REQUIRE_FALSE(scanner.Next().value());
  REQUIRE(scanner.intact_end() == 4096 + kFragmentHeaderBytes + 3);
  REQUIRE(scanner.stop_offset() == 8192 + kFragmentHeaderBytes + 4);
}

TEST_CASE("orders that no writer makes are damage", "[wal][scanner]") {
  struct Order {
    FragmentType first;
    uint64_t first_position;
    FragmentType second;
    uint64_t second_position;
  };
  const auto order = GENERATE(Order{FragmentType::kLast, 10, FragmentType::kFull, 10},
                              Order{FragmentType::kFull, 11, FragmentType::kFull, 12},
                              Order{FragmentType::kFull, 10, FragmentType::kFull, 10},
                              Order{FragmentType::kFull, 10, FragmentType::kFull, 12},
                              Order{FragmentType::kFull, 10, FragmentType::kMiddle, 11},
                              Order{FragmentType::kFull, 10, FragmentType::kMark, 11});
  LogFile file;
  file.Add(order.first, order.first_position, "a");
  file.Add(order.second, order.second_position, "b");
  LogFileScanner scanner = file.Scanner();
  Result<std::optional<LogFileScanner::Batch>> batch = scanner.Next();
  while (batch && *batch) batch = scanner.Next();
  REQUIRE_FALSE(batch.has_value());
  REQUIRE(batch.error().code == ErrorCode::kCorruption);
}

TEST_CASE("the tail tells what was durable, wherever a fragment survived", "[wal][scanner]") {
  LogFile file;
  const uint64_t torn = file.Add(FragmentType::kFull, 10, "ten");
  file.Add(FragmentType::kFull, 11, "eleven", 9);
  const uint64_t proof = file.Add(FragmentType::kFull, 12, "twelve", 11);
  file.bytes()[torn + 1] ^= 1;
  file.bytes()[torn + 4096 + 1] ^= 1;
  file.bytes().resize(200'000);
  LogFileScanner scanner = file.Scanner();
  REQUIRE_FALSE(scanner.Next().value());
  const auto tail = scanner.InspectTail().value();
  REQUIRE(tail.synced == LogPosition(11));
  REQUIRE(tail.resume_offset == proof);
  REQUIRE(tail.used_end == proof + kFragmentHeaderBytes + 6);
}

}  // namespace
}  // namespace ficus
