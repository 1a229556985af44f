// Arbitrary bytes as the files of a log: reading reports, and never crashes, hangs or invents.
//
// The input's first byte chooses between two kinds. Even: the rest is a file as it is. Odd: the
// rest is a script that damages a well-formed log, which gets the fuzzer past the checksums.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/io/memory_file_system.h"
#include "engine/wal/group_encoder.h"
#include "engine/wal/log_reader.h"

namespace ficus {
namespace {

constexpr uint64_t kFileBytes = 48 << 10;

void WriteFile(FileSystem& fs, uint64_t number, std::string_view bytes) {
  auto file = fs.Open(LogFileName(number), {.mode = OpenMode::kCreate}).value();
  if (!bytes.empty()) file->WriteAt(0, bytes).value();
}

// Two files of three batches each, the second group of which has two fragments.
struct WellFormedLog {
  std::string files[2];
  std::map<uint64_t, std::string> batches;
};

WellFormedLog MakeLog() {
  WellFormedLog log;
  uint32_t chain = 0;
  uint64_t position = 0;
  for (uint64_t number = 1; number <= 2; ++number) {
    LogFileHeader header;
    header.log = LogId(77);
    header.number = number;
    header.first = LogPosition(position + 1);
    header.prior = LogPosition(position);
    header.prior_chain = chain;
    std::string bytes = EncodeLogFileHeader(header);
    chain = LogHeaderChain(bytes);
    for (const size_t size : {size_t{10}, size_t{30'000}, size_t{100}}) {
      ++position;
      log.batches[position] = std::string(size, static_cast<char>('a' + position));
      GroupEncoder encoder;
      encoder.Begin({{header.log, number, bytes.size()}, chain, LogPosition(position - 1)});
      encoder.Add(LogPosition(position), Scn(position), log.batches[position]);
      bytes += encoder.Finish();
      chain = encoder.chain();
    }
    bytes.resize(kFileBytes, '\0');
    log.files[number - 1] = std::move(bytes);
  }
  return log;
}

// Each three bytes: file and kind, where (in 256ths of the file, then finer), what.
void Damage(WellFormedLog& log, std::string_view script) {
  ByteReader reader(script);
  uint8_t how = 0;
  uint16_t where = 0;
  uint8_t what = 0;
  while (reader.ReadLittle(how) && reader.ReadLittle(where) && reader.ReadLittle(what)) {
    std::string& bytes = log.files[how & 1];
    const size_t at = where % kFileBytes;
    if (at >= bytes.size()) continue;
    switch (how >> 1 & 3) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ what);
        break;
      case 1: {  // a sector of zeros, or of something else
        const size_t sector = at / 512 * 512;
        const size_t count = bytes.size() - sector < 512 ? bytes.size() - sector : 512;
        bytes.replace(sector, count, count, static_cast<char>(what));
        break;
      }
      case 2:
        bytes.resize(at);
        break;
      default: {  // a sector of the other file
        const std::string& other = log.files[(how & 1) ^ 1];
        const size_t sector = at / 512 * 512;
        if (other.size() < sector + 512 || bytes.size() < sector + 512) break;
        bytes.replace(sector, 512, other, sector, 512);
      }
    }
  }
}

void Read(FileSystem& fs, const std::map<uint64_t, std::string>* expected) {
  const auto reader = LogReader::Open(fs, {});
  if (!reader) return;
  uint64_t last = 0;
  const auto read = (*reader)->Read(LogPosition(0), [&](const LogReader::Batch& batch) {
    CHECK(batch.position.value() > last);
    last = batch.position.value();
    CHECK(expected == nullptr || expected->at(last) == batch.payload);
    return Ok();
  });
  CHECK(read.has_value()) << read.error().ToString();
  CHECK(LogPosition(last) <= (*reader)->report().last);
}

}  // namespace
}  // namespace ficus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ficus;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto fs = MemoryFileSystem::Create();
  if (data[0] % 2 == 0) {
    WriteFile(*fs, 1, input);
    Read(*fs, nullptr);
    return 0;
  }
  WellFormedLog log = MakeLog();
  Damage(log, input);
  WriteFile(*fs, 1, log.files[0]);
  WriteFile(*fs, 2, log.files[1]);
  Read(*fs, &log.batches);
  return 0;
}
