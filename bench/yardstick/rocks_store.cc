#include "bench/yardstick/rocks_store.h"

#include <cstring>

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "engine/base/check.h"

namespace ficus::bench {
namespace {

void NeedOk(const rocksdb::Status& status) { CHECK(status.ok()) << status.ToString(); }

std::string KeyOf(uint64_t series, UnixNanos time) {
  std::string key;
  for (int shift = 24; shift >= 0; shift -= 8) key += static_cast<char>(series >> shift);
  for (int shift = 56; shift >= 0; shift -= 8) {
    key += static_cast<char>(static_cast<uint64_t>(time) >> shift);
  }
  return key;
}

uint32_t SeriesOf(const rocksdb::Slice& key) {
  uint32_t series = 0;
  for (size_t i = 0; i < 4; ++i) series = series << 8 | static_cast<unsigned char>(key[i]);
  return series;
}

std::string ValueOf(const SamplePoint& point) {
  std::string value(16, '\0');
  std::memcpy(value.data(), &point.time, 8);
  std::memcpy(value.data() + 8, &point.value, 8);
  return value;
}

int64_t FieldOf(const rocksdb::Slice& value) {
  int64_t field = 0;
  std::memcpy(&field, value.data() + 8, 8);
  return field;
}

}  // namespace

RocksStore::RocksStore(const std::string& folder) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.OptimizeLevelStyleCompaction(512 << 20);
  // That call sets other compressions for each level.
  options.compression_per_level.clear();
  options.compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 16 << 10;
  table.block_cache = rocksdb::NewLRUCache(1 << 30);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* opened = nullptr;
  NeedOk(rocksdb::DB::Open(options, folder, &opened));
  db_.reset(opened);
}

RocksStore::Pairs RocksStore::Encoded(const std::vector<SamplePoint>& points) {
  Pairs pairs;
  pairs.reserve(points.size());
  for (const SamplePoint& point : points) {
    pairs.emplace_back(KeyOf(point.series, point.time), ValueOf(point));
  }
  return pairs;
}

void RocksStore::Write(const Pairs& pairs, bool sync) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : pairs) NeedOk(batch.Put(key, value));
  rocksdb::WriteOptions options;
  options.sync = sync;
  NeedOk(db_->Write(options, &batch));
}

void RocksStore::Settle() {
  NeedOk(db_->Flush({}));
  NeedOk(db_->CompactRange({}, nullptr, nullptr));
}

uint64_t RocksStore::FileBytes() {
  uint64_t bytes = 0;
  CHECK(db_->GetIntProperty("rocksdb.total-sst-files-size", &bytes));
  return bytes;
}

Totals RocksStore::All() {
  Totals totals;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next()) totals.Add(FieldOf(at->value()));
  return totals;
}

Totals RocksStore::OneSeries(uint32_t series) {
  Totals totals;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
  const std::string end = KeyOf(uint64_t{series} + 1, 0);
  for (at->Seek(KeyOf(series, 0)); at->Valid() && at->key().compare(end) < 0; at->Next()) {
    totals.Add(FieldOf(at->value()));
  }
  return totals;
}

std::unordered_map<uint32_t, int64_t> RocksStore::Sums() {
  std::unordered_map<uint32_t, int64_t> sums;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next())
    sums[SeriesOf(at->key())] += FieldOf(at->value());
  return sums;
}

}  // namespace ficus::bench
