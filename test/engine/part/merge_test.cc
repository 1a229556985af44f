#include "engine/part/merge.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "test/engine/part/part_disk.h"
#include "test/engine/part/row_model.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

// A table in small: batches in, mem parts, flushes, merges of neighbours, beside the model of what
// it must hold.
class History {
 public:
  History(uint64_t seed, const RandomRows& shape) : random_(seed), shape_(shape) {}

  void Write() {
    std::vector<RowBatch> batches = MakeRandomBatches(random_, shape_);
    if (batches.empty()) return;
    for (const RowBatch& batch : batches) model_.Add(batch);
    mem_.push_back(disk_.Mem(std::move(batches), {}, ++position_));
  }

  void MergeMemParts() {
    if (mem_.size() < 2) return;
    auto merged = MemPart::Merge(mem_, disk_.ledger.Account(MemoryConsumer::kMemParts, 1));
    mem_ = {merged};
  }

  void Flush() {
    if (mem_.empty()) return;
    PartOptions options =
        disk_.Options(mem_.front()->first_position().value(), mem_.back()->last_position().value());
    options.shared_blocks = random_.Below(4) != 0;
    const auto outcome =
        FlushMemParts(*disk_.fs, disk_.random, kShard, mem_, MergeRules{}, options);
    REQUIRE(outcome.has_value());
    REQUIRE(!outcome->empty);
    parts_.push_back(disk_.Open(outcome->info));
    mem_.clear();
  }

  // Merges `count` neighbours from `first` on.
  MergeOutcome Merge(size_t first, size_t count, const MergeRules& rules) {
    const auto begin = parts_.begin() + static_cast<ptrdiff_t>(first);
    const std::vector<std::shared_ptr<const Part>> inputs(begin,
                                                          begin + static_cast<ptrdiff_t>(count));
    PartOptions options = disk_.Options(inputs.front()->info().first_position.value(),
                                        inputs.back()->info().last_position.value());
    options.file_class = FileClass::kMerge;
    options.effort = Effort::kSmall;
    options.shared_blocks = random_.Below(4) != 0;
    for (const auto& input : inputs) {
      options.generation = std::max(options.generation, input->info().generation + 1);
    }
    const auto outcome = MergeParts(*disk_.fs, disk_.random, kShard, inputs, {}, rules, options);
    INFO((outcome.has_value() ? "" : outcome.error().ToString()));
    REQUIRE(outcome.has_value());
    parts_.erase(begin, begin + static_cast<ptrdiff_t>(count));
    if (!outcome->empty) {
      parts_.insert(parts_.begin() + static_cast<ptrdiff_t>(first), disk_.Open(outcome->info));
    }
    return *outcome;
  }

  // Everything that matches, read as a query reads it.
  ModelRows Read(const ScanRequest& request) {
    std::vector<std::unique_ptr<RowCursor>> cursors;
    for (const auto& part : parts_) {
      if (part->MayContain(request)) cursors.push_back(disk_.Scan(*part, request));
    }
    for (const auto& part : mem_) {
      if (part->MayContain(request)) cursors.push_back(part->Scan(request, disk_.ledger));
    }
    return Drain(*MergeCursors(std::move(cursors), disk_.ledger), request);
  }

  void CheckAgainstModel(int requests) {
    for (const auto& part : parts_) {
      const auto verified = part->Verify(FileClass::kTool);
      INFO((verified.has_value() ? "" : verified.error().ToString()));
      REQUIRE(verified.has_value());
    }
    for (int i = 0; i < requests; ++i) {
      const ScanRequest request = MakeRandomRequest(random_, shape_);
      const bool same = Read(request) == model_.Select(request);
      REQUIRE(same);
    }
  }

  SeededRandom& random() { return random_; }
  RowModel& model() { return model_; }
  size_t parts() const { return parts_.size(); }
  const Part& part(size_t i) const { return *parts_[i]; }

 private:
  SeededRandom random_;
  const RandomRows shape_;
  PartDisk disk_;
  RowModel model_;
  uint64_t position_ = 0;
  std::vector<std::shared_ptr<const MemPart>> mem_;
  std::vector<std::shared_ptr<const Part>> parts_;
};

RandomRows ShapeOf(uint64_t round) {
  RandomRows shape;
  switch (round % 5) {
    case 0:  // Late and repeated rows of few series.
      return shape;
    case 1:  // Young parts: a row or two for each of many series.
      shape.series = 400;
      shape.timestamps = 20;
      shape.rows = 300;
      return shape;
    case 2:  // Few series with many rows: blocks of their own, several for a series.
      shape.subjects = 2;
      shape.series = 3;
      shape.timestamps = 20'000;
      shape.rows = 6000;
      return shape;
    case 3: {  // Series of very different lengths.
      shape.subjects = 1;
      shape.skewed = true;
      shape.series = 12;
      shape.timestamps = 40'000;
      shape.rows = 12'000;
      return shape;
    }
    default:  // Scraped metrics.
      shape.regular = true;
      shape.series = 30;
      shape.timestamps = 60;
      shape.rows = 1800;
      return shape;
  }
}

}  // namespace

TEST_CASE("random writes, flushes, merges and scans agree with a naive model", "[part][oracle]") {
  const uint64_t seed = TestSeed(11);
  for (int round = 0; round < TestRounds(10); ++round) {
    CAPTURE(seed, round);
    History history(seed + static_cast<uint64_t>(round), ShapeOf(static_cast<uint64_t>(round)));
    for (int step = 0; step < 25; ++step) {
      CAPTURE(step);
      switch (history.random().Below(5)) {
        case 0:
          history.MergeMemParts();
          break;
        case 1:
          history.Flush();
          break;
        case 2:
          if (history.parts() >= 2) {
            const size_t count = 2 + history.random().Below(history.parts() - 1);
            history.Merge(history.random().Below(history.parts() - count + 1), count, MergeRules{});
          }
          break;
        default:
          history.Write();
      }
      if (step % 5 == 4) history.CheckAgainstModel(5);
    }
    history.Flush();
    if (history.parts() > 0) history.Merge(0, history.parts(), MergeRules{});
    history.CheckAgainstModel(20);
  }
}

TEST_CASE("merges drop rows that are dead, too old or deleted, and nothing else",
          "[part][oracle]") {
  const uint64_t seed = TestSeed(5);
  for (int round = 0; round < TestRounds(10); ++round) {
    CAPTURE(seed, round);
    const RandomRows shape = ShapeOf(static_cast<uint64_t>(round));
    History history(seed + static_cast<uint64_t>(round), shape);
    for (int i = 0; i < 4; ++i) {
      history.Write();
      history.Flush();
    }
    const SubjectId dead = RandomSubject(history.random().Below(shape.subjects));
    MergeRules rules;
    rules.is_live = [&](SubjectId subject) { return subject != dead; };
    rules.drop_before = kModelEpoch + static_cast<int64_t>(shape.timestamps) / 3 *
                                          (shape.regular ? 60 * kNanosPerSecond : 1'000'000);
    rules.drop_tombstones = round % 2 == 0;
    uint64_t reports = 0;
    rules.progress = [&](uint64_t) {
      ++reports;
      return Ok();
    };
    if (history.parts() == 0) continue;
    const MergeOutcome outcome = history.Merge(0, history.parts(), rules);
    REQUIRE((reports > 0 || outcome.empty));
    history.model().DropSubject(dead);
    history.model().DropBefore(rules.drop_before);
    if (rules.drop_tombstones) history.model().DropTombstones();
    history.CheckAgainstModel(20);
  }
}

TEST_CASE("a flush drops rows by the same rules", "[part]") {
  PartDisk disk;
  RowBatch dead = PlainBatch(1, {{1, 100, 1, 1}});
  RowBatch old_and_new = PlainBatch(2, {{1, 50, 1, 2}, {1, 100, 1, 3}, {2, 10, 1, 4}});
  MergeRules rules;
  rules.is_live = [](SubjectId subject) { return subject != SubjectId(1); };
  rules.drop_before = 60;
  const std::vector<SeriesEntry> entries = {{SubjectId(1), SeriesId(1), "dead|"},
                                            {SubjectId(2), SeriesId(1), "alive|"}};
  const auto mem = disk.Mem({dead, old_and_new}, entries, 1);
  const auto outcome = FlushMemParts(*disk.fs, disk.random, kShard, {mem}, rules, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->info.rows == 1);
  REQUIRE(outcome->info.times == TimeRange{100, 101});
  const auto part = disk.Open(outcome->info);
  const auto kept = part->ReadSeriesEntries(FileClass::kTool);
  REQUIRE(kept.has_value());
  REQUIRE(*kept == std::vector<SeriesEntry>{entries[1]});
}

TEST_CASE("a merge that drops everything writes nothing", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(PlainBatch(1, {{1, 100, 1, 1}, {2, 100, 1, 1}}));
  MergeRules rules;
  rules.drop_before = 101;
  const auto outcome = MergeParts(*disk.fs, disk.random, kShard, {part}, {}, rules, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->empty);
  REQUIRE(disk.fs->List(kShard)->size() == 1);
}

TEST_CASE("of equal rows the highest version wins, then the oldest input", "[part]") {
  PartDisk disk;
  const auto oldest =
      disk.Write(PlainBatch(1, {{1, 100, 5, 10}, {1, 200, 5, 10}, {1, 300, 5, 10}}));
  const auto middle =
      disk.Write(PlainBatch(1, {{1, 100, 5, 20}, {1, 200, 6, 20}, {1, 300, 4, 20}}));
  const auto newest =
      disk.Write(PlainBatch(1, {{1, 100, 5, 30}, {1, 200, 6, 30}, {1, 300, 9, 30}}));
  const RowBatch winners = PlainBatch(1, {{1, 100, 5, 10}, {1, 200, 6, 20}, {1, 300, 9, 30}});
  const ScanRequest request = PlainScan(1);

  std::vector<std::unique_ptr<RowCursor>> cursors;
  for (const auto& part : {oldest, middle, newest}) cursors.push_back(disk.Scan(*part, request));
  const auto merged = MergeCursors(std::move(cursors), disk.ledger);
  RowBatch rows;
  REQUIRE(merged->Next(rows).value());
  REQUIRE(rows == winners);
  REQUIRE(!merged->Next(rows).value());
  REQUIRE(merged->cost().blocks_read == 3);
  REQUIRE(merged->cost().rows_read == 9);

  const auto outcome = MergeParts(*disk.fs, disk.random, kShard, {oldest, middle, newest}, {},
                                  MergeRules{}, disk.Options());
  REQUIRE(outcome.has_value());
  const auto part = disk.Open(outcome->info);
  REQUIRE(part->ReadBlock(HeadersOf(*part)[0], FileClass::kTool).value() == winners);
}

namespace {

// One long series.
RowBatch LongSeries(uint64_t series, int64_t first_timestamp, size_t rows) {
  std::vector<PlainRow> plain;
  for (size_t i = 0; i < rows; ++i) {
    const auto step = static_cast<int64_t>(i);
    plain.push_back({series, first_timestamp + step * 1000, 1, step * step % 97});
  }
  return PlainBatch(1, plain);
}

RawBlock RawOf(const Part& part, size_t i) {
  auto raw = part.ReadRawBlock(HeadersOf(part)[i], FileClass::kTool);
  REQUIRE(raw.has_value());
  return *raw;
}

}  // namespace

TEST_CASE("blocks that nothing overlaps are copied byte for byte", "[part]") {
  PartDisk disk;
  const auto first = disk.Write(LongSeries(1, 0, 500));
  const auto second = disk.Write(LongSeries(2, 0, 700));
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {first, second}, {}, MergeRules{}, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 2);
  REQUIRE(outcome->blocks_rewritten == 0);
  const auto merged = disk.Open(outcome->info);
  REQUIRE(RawOf(*merged, 0).keys == RawOf(*first, 0).keys);
  REQUIRE(RawOf(*merged, 0).columns == RawOf(*first, 0).columns);
  REQUIRE(RawOf(*merged, 1).keys == RawOf(*second, 0).keys);
  REQUIRE(RawOf(*merged, 1).columns == RawOf(*second, 0).columns);
  REQUIRE(merged->Verify(FileClass::kTool).has_value());
  REQUIRE(merged->info().series == 2);
}

TEST_CASE("blocks grow: a series that goes on in the next part is rewritten", "[part]") {
  PartDisk disk;
  const auto first = disk.Write(LongSeries(1, 0, 500));
  const auto second = disk.Write(LongSeries(1, 500'000, 500));
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {first, second}, {}, MergeRules{}, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 0);
  const auto merged = disk.Open(outcome->info);
  REQUIRE(HeadersOf(*merged).size() == 1);
  REQUIRE(HeadersOf(*merged)[0].rows == 1000);
}

TEST_CASE("a full block is copied even where its series goes on", "[part]") {
  PartDisk disk;
  const auto first = disk.Write(LongSeries(1, 0, 8192));
  const auto second = disk.Write(LongSeries(1, 8'192'000, 100));
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {first, second}, {}, MergeRules{}, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 1);
  REQUIRE(outcome->blocks_rewritten == 1);
  REQUIRE(disk.Open(outcome->info)->Verify(FileClass::kTool).has_value());
}

TEST_CASE("a shared block whose last series goes on is not copied", "[part]") {
  PartDisk disk;
  // A short series, then one that fills the block they share and goes on behind it.
  RowBatch rows = LongSeries(1, 0, 10);
  const RowBatch second = LongSeries(2, 0, 9000);
  REQUIRE(AppendRows(rows, second, {0, second.rows()}).has_value());
  const auto part = disk.Write(rows);
  const auto headers = HeadersOf(*part);
  REQUIRE(headers.size() == 2);
  REQUIRE(headers[0].series == 2);
  REQUIRE(headers[1].first_series == headers[0].last_series);
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {part}, {}, MergeRules{}, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 0);
  const auto merged = disk.Open(outcome->info);
  REQUIRE(merged->Verify(FileClass::kTool).has_value());
  REQUIRE(Drain(*disk.Scan(*merged, PlainScan(1)), PlainScan(1)) ==
          Drain(*disk.Scan(*part, PlainScan(1)), PlainScan(1)));
}

TEST_CASE("a block with a tombstone or an expired row is not copied where these go", "[part]") {
  PartDisk disk;
  RowBatch rows = LongSeries(1, 0, 500);
  rows.tombstones.resize(500);
  rows.tombstones[7] = true;
  const auto part = disk.Write(rows);
  REQUIRE(part->info().has_tombstones);
  MergeRules rules;
  rules.drop_tombstones = true;
  auto outcome = MergeParts(*disk.fs, disk.random, kShard, {part}, {}, rules, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 0);
  REQUIRE(outcome->info.rows == 499);
  REQUIRE(!outcome->info.has_tombstones);

  rules.drop_tombstones = false;
  outcome = MergeParts(*disk.fs, disk.random, kShard, {part}, {}, rules, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 1);
  REQUIRE(outcome->info.has_tombstones);

  rules.drop_before = 1000;
  outcome = MergeParts(*disk.fs, disk.random, kShard, {part}, {}, rules, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 0);
  REQUIRE(outcome->info.rows == 499);
}

TEST_CASE("a copied block is verified first, and the error names the damaged part", "[part]") {
  PartDisk disk;
  const auto good = disk.Write(LongSeries(1, 0, 500));
  const auto bad = disk.Write(LongSeries(2, 0, 500));
  REQUIRE(disk.fs->FlipBits(bad->path(), HeadersOf(*bad)[0].keys.offset + 3, 0x10).has_value());
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {good, bad}, {}, MergeRules{}, disk.Options());
  REQUIRE(!outcome.has_value());
  REQUIRE(outcome.error().code == ErrorCode::kCorruption);
  REQUIRE(outcome.error().message.find(bad->path()) != std::string::npos);
  // Nothing stays of what was begun.
  REQUIRE(disk.fs->List(kShard)->size() == 2);
}

TEST_CASE("a merge ends with the error that progress returns and leaves no file", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(LongSeries(1, 0, 20'000));
  MergeRules rules;
  rules.drop_before = 5000;
  rules.progress = [](uint64_t) -> Result<> { return Error{ErrorCode::kCancelled, "closing"}; };
  const auto outcome = MergeParts(*disk.fs, disk.random, kShard, {part}, {}, rules, disk.Options());
  REQUIRE(!outcome.has_value());
  REQUIRE(outcome.error().code == ErrorCode::kCancelled);
  REQUIRE(disk.fs->List(kShard)->size() == 1);
}

TEST_CASE("entries of merged parts are written once, for live subjects", "[part]") {
  PartDisk disk;
  const std::vector<SeriesEntry> entries = {{SubjectId(1), SeriesId(3), "a"},
                                            {SubjectId(2), SeriesId(4), "b"},
                                            {SubjectId(2), SeriesId(5), "c"},
                                            {SubjectId(9), SeriesId(1), "dead"}};
  const auto older =
      disk.Write({PlainBatch(1, {{1, 100, 1, 1}})}, {entries[0], entries[3]}, disk.Options());
  const auto newer = disk.Write({PlainBatch(1, {{1, 200, 1, 1}})}, {entries[1]}, disk.Options());
  MergeRules rules;
  rules.is_live = [](SubjectId subject) { return subject != SubjectId(9); };
  const std::vector<SeriesEntry> listed = {entries[0], entries[2]};
  EntryCursors more;
  more.push_back(CursorOver(listed));
  const auto outcome = MergeParts(*disk.fs, disk.random, kShard, {older, newer}, std::move(more),
                                  rules, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(disk.Open(outcome->info)->ReadSeriesEntries(FileClass::kTool).value() ==
          std::vector<SeriesEntry>{entries[0], entries[1], entries[2]});
}

TEST_CASE("of a series with two entities the older one stays, whatever is merged", "[part]") {
  PartDisk disk;
  const std::vector<SeriesEntry> first = {{SubjectId(1), SeriesId(1), "first"}};
  const std::vector<SeriesEntry> second = {{SubjectId(1), SeriesId(1), "second"},
                                           {SubjectId(1), SeriesId(2), "alone"}};
  const std::vector<SeriesEntry> kept = {first[0], second[1]};
  const RowBatch rows = PlainBatch(1, {{1, 100, 1, 1}});
  const std::vector<std::shared_ptr<const MemPart>> mem = {disk.Mem({rows}, first, 1),
                                                           disk.Mem({rows}, second, 2)};
  const auto flushed =
      FlushMemParts(*disk.fs, disk.random, kShard, mem, MergeRules{}, disk.Options());
  REQUIRE(flushed.has_value());
  REQUIRE(disk.Open(flushed->info)->ReadSeriesEntries(FileClass::kTool).value() == kept);

  const auto older = disk.Write({rows}, first, disk.Options());
  const auto newer = disk.Write({rows}, second, disk.Options());
  auto merged =
      MergeParts(*disk.fs, disk.random, kShard, {older, newer}, {}, MergeRules{}, disk.Options());
  REQUIRE(merged.has_value());
  REQUIRE(disk.Open(merged->info)->ReadSeriesEntries(FileClass::kTool).value() == kept);
  // What the runs say is as old as anything.
  EntryCursors run;
  run.push_back(CursorOver(first));
  merged = MergeParts(*disk.fs, disk.random, kShard, {newer}, std::move(run), MergeRules{},
                      disk.Options());
  REQUIRE(merged.has_value());
  REQUIRE(disk.Open(merged->info)->ReadSeriesEntries(FileClass::kTool).value() == kept);
}

TEST_CASE("behind a copied block a column has the type that its own subject gives it", "[part]") {
  PartDisk disk;
  RowBatch texts = LongSeries(1, 0, 500);
  const RowBatch next = LongSeries(2, 0, 10);
  REQUIRE(AppendRows(texts, next, {0, next.rows()}).has_value());
  texts.subject = SubjectId(2);
  ColumnValues text(kPlainColumn, ColumnType::kString);
  for (size_t row = 0; row < texts.rows(); ++row) text.AppendCell("x");
  texts.columns[0] = text;
  // Numbers that are rewritten, a block of texts that is copied, texts that are rewritten.
  const auto first = disk.Write({LongSeries(1, 0, 100), texts}, {}, disk.Options());
  const auto second = disk.Write(LongSeries(1, 500'000, 100));
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {first, second}, {}, MergeRules{}, disk.Options());
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->blocks_copied == 1);
  REQUIRE(outcome->blocks_rewritten == 2);
  REQUIRE(disk.Open(outcome->info)->Verify(FileClass::kTool).has_value());
}

TEST_CASE("a column with two types is refused, not mixed", "[part]") {
  PartDisk disk;
  const auto ints = disk.Write(PlainBatch(1, {{1, 100, 1, 1}}));
  RowBatch other = PlainBatch(1, {{1, 200, 1, 1}});
  ColumnValues text(kPlainColumn, ColumnType::kString);
  text.AppendCell("x");
  other.columns[0] = text;
  const auto strings = disk.Write(other);
  const auto outcome =
      MergeParts(*disk.fs, disk.random, kShard, {ints, strings}, {}, MergeRules{}, disk.Options());
  REQUIRE(!outcome.has_value());
  REQUIRE(outcome.error().code == ErrorCode::kCorruption);
}

TEST_CASE("a union copies few large cells at a time, and charges them", "[part]") {
  constexpr size_t kCellBytes = 200'000;
  constexpr size_t kMost = (size_t{256} << 10) + kCellBytes;
  PartDisk disk;
  RowModel model;
  const ScanRequest request = PlainScan(1);
  std::vector<std::shared_ptr<const MemPart>> parts;
  for (int64_t turn = 0; turn < 2; ++turn) {
    std::vector<PlainRow> plain;
    for (int64_t time = 0; time < 30; ++time) plain.push_back({1, 2 * time + turn, 1, time});
    const RowBatch batch = CellBatch(1, plain, kCellBytes);
    model.Add(batch);
    parts.push_back(disk.Mem({batch}, {}, static_cast<uint64_t>(turn) + 1));
  }
  const auto scan = [&] {
    std::vector<std::unique_ptr<RowCursor>> cursors;
    for (const auto& part : parts) cursors.push_back(part->Scan(request, disk.ledger));
    return MergeCursors(std::move(cursors), disk.ledger);
  };
  const auto merged = scan();
  RowBatch rows;
  while (merged->Next(rows).value()) {
    REQUIRE(AllCellBytes(rows) <= kMost);
    // One run of each input, and the one that they make.
    REQUIRE(disk.ledger.used_bytes(MemoryConsumer::kQueries) > 2 * AllCellBytes(rows));
  }
  const bool same = Drain(*scan(), request) == model.Select(request);
  REQUIRE(same);
  disk.ledger.SetShare(MemoryConsumer::kQueries, 5 * kMost / 2);
  REQUIRE(scan()->Next(rows).error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("a union without inputs is empty, of one it is that one", "[part]") {
  PartDisk disk;
  REQUIRE(!MergeCursors({}, disk.ledger)->Next(*std::make_unique<RowBatch>()).value());
  const auto mem = disk.Mem({PlainBatch(1, {{1, 100, 1, 1}})}, {}, 1);
  std::vector<std::unique_ptr<RowCursor>> one;
  one.push_back(mem->Scan(PlainScan(1), disk.ledger));
  RowBatch rows;
  const auto merged = MergeCursors(std::move(one), disk.ledger);
  REQUIRE(merged->Next(rows).value());
  REQUIRE(rows.rows() == 1);
}

}  // namespace ficus
