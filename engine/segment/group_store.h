// The segments of one group: found by time, created by the first row, removed by retention.
//
//     <catalog>/data/<group>/identity                     group id
//     <catalog>/data/<group>/seg-<YYYYMMDD[HH]>/segment   bounds and shard count
//     <catalog>/data/<group>/seg-<YYYYMMDD[HH]>/shard-<N>/
//     <catalog>/data/<group>/shard-<N>/                   catalogs without segments
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/segment/identity.h"
#include "engine/segment/segment.h"
#include "engine/segment/segment_bounds.h"

namespace ficus {

// What a group's schema says; may change while segments exist, which then keep what they have.
struct GroupLayout {
  uint32_t shard_count = 1;
  SegmentUnit segment_unit = SegmentUnit::kDay;
  uint32_t segment_num = 1;
  int64_t ttl_nanos = 0;  // 0: no retention
};

// Threads: any.
class GroupStore {
 public:
  struct Options {
    Catalog catalog = Catalog::kMeasure;
    std::string name;
    GroupId id;
    GroupLayout layout;
    TableOptions table;  // directory and is_live are set per table
    int64_t idle_nanos = kNanosPerHour;
  };

  // Creates the directory and its identity durably; for catalogs without segments the shards, too.
  // kAlreadyExists when another group lives there.
  static Result<std::unique_ptr<GroupStore>> Create(TableEnvironment environment, Options options);
  // Opens an existing directory; kCorruption when the identity is damaged, kNotFound when there is
  // none, kFailedPrecondition when it holds another id.
  static Result<std::unique_ptr<GroupStore>> Open(TableEnvironment environment, Options options);
  virtual ~GroupStore() = default;

  virtual GroupId id() const = 0;
  virtual const std::string& name() const = 0;
  virtual Catalog catalog() const = 0;
  // Below the root.
  virtual const std::string& directory() const = 0;
  virtual void SetLayout(const GroupLayout& layout) = 0;
  virtual GroupLayout layout() const = 0;

  // The segment that holds `time`, created durably where there is none: bounds by the layout, cut
  // where they would overlap a neighbour. For catalogs without segments: the only one.
  virtual Result<std::shared_ptr<Segment>> SegmentFor(UnixNanos time) = 0;
  // The segment with exactly these bounds, for replay; kNotFound.
  virtual Result<std::shared_ptr<Segment>> FindSegment(const TimeRange& times) = 0;
  // Oldest first, those that overlap `times`.
  virtual std::vector<std::shared_ptr<Segment>> Segments(const TimeRange& times) = 0;

  // Segments that end at or before `now` - TTL.
  virtual std::vector<std::shared_ptr<Segment>> Expired(UnixNanos now) const = 0;
  // Hides a segment from everybody at once; its removal is already in the log. EmptyTrash() does
  // the rest once no reader holds it. kNotFound when there is none with these bounds and this
  // incarnation.
  virtual Result<> RemoveSegment(const TimeRange& times, uint64_t incarnation) = 0;
  // Closes hidden segments that no reader holds, renames them to `<catalog>/trash/`, durably, and
  // deletes them there. Returns how many are still held or could not be moved.
  virtual size_t EmptyTrash() = 0;
  // Throws away damaged segments whose times end at or before `now` - TTL. Those of another group,
  // of a later version, or with a manifest that cannot be read stay.
  virtual void RemoveExpiredDamage(UnixNanos now) = 0;
  // Segments whose metadata cannot be read: left as they are, never written, removed by age only.
  // Where such a one ends is not known: its times reach as far as its rows, its name and the layout
  // say, at most to the begin of the next segment. A directory under a name that no segment has is
  // among them with no times.
  virtual std::vector<DamagedFile> DamagedSegments() const = 0;

  // Lowest position of any table that no manifest covers.
  virtual std::optional<LogPosition> OldestUnflushed() const = 0;
  // Open tables, for flushes by age and for metrics.
  virtual std::vector<std::shared_ptr<TsTable>> OpenTables() const = 0;
  // Highest SCN and, of the log `id`, highest position that any manifest of any table recorded.
  // Opens what is closed.
  struct Recorded {
    LogPosition position;
    Scn scn;
  };
  virtual Result<Recorded> RecordedPositions() = 0;
  // Closes tables that were idle for Options::idle_nanos; returns how many.
  virtual size_t CloseIdle() = 0;
  // Hides every segment, starts no new work. Any thread, never blocks.
  virtual void Shut() = 0;
  // Shut(), and no job of any table is left.
  virtual bool IsDrained() const = 0;
  // Shut(), then waits until it is drained and closes the tables, as TsTable::Close().
  virtual void Close() = 0;

  // After Close(): renames the whole directory to `<catalog>/trash/`, durably, and deletes it
  // there.
  virtual Result<> MoveToTrash() = 0;
};

// What a group's directory says it is. kNotFound without a directory or an identity.
Result<GroupIdentity> ReadGroupIdentity(FileSystem& fs, Catalog catalog, std::string_view name);

// Names below `<catalog>/data`, sorted; none when there is no such directory.
Result<std::vector<std::string>> ListGroupDirectories(FileSystem& fs, Catalog catalog);

// Renames a group's directory into the trash, durably, and deletes it there. Nobody has it open.
Result<> ThrowAwayGroup(TableEnvironment& environment, Catalog catalog, std::string_view name);

// Deletes what earlier processes left in the trash of a catalog.
Result<> EmptyCatalogTrash(FileSystem& fs, Catalog catalog);

}  // namespace ficus
