// Bugs that a test plants in the engine, to prove that the crash tests would find them.
//
// A switch is one line in the code that it breaks: `if (!IsPlanted(PlantedBug::kX)) Sync();`.
// Sources are compiled with switches only where FICUS_PLANTED_BUGS is defined (CMake option of that
// name; off in what is shipped). Elsewhere IsPlanted is the constant false and leaves nothing
// behind.
#pragma once

#include <cstdint>

namespace ficus {

enum class PlantedBug : uint8_t {
  kNone,
  // Something is relied on before it is on the device.
  kPartNotSynced,
  kManifestNotSynced,
  kManifestDirectoryNotSynced,
  kPartDirectoryNotSynced,
  kLogGroupNotSynced,
  kLogFileHeaderNotSynced,
  kLogFileDirectoryNotSynced,
  kShardDirectoryNotSynced,
  kSegmentDirectoryNotSynced,
  kGroupDirectoryNotSynced,
  kSnapshotFilesNotSynced,
  kSnapshotDirectoriesNotSynced,
  kSnapshotListNotSynced,
  // Errors of logic: flush and merge.
  kFlushAheadOfLog,
  kFlushPositionTooHigh,
  kFlushPositionOfNewestRow,
  kFlushIsNoPrefix,
  kFlushWritesNoIndexRun,
  kFlushIgnoresSnapshotLine,
  kManifestFromStaleOne,
  kMergeInputsRemovedEarly,
  kMergeKeepsOlderVersion,
  kMergeDropsLastRow,
  kMergeOutputNotNamed,
  // Errors of logic: recovery.
  kRecoveryTakesOlderManifest,
  kRecoveryRemovesNamedFile,
  kFileNumbersStartAgain,
  kReplaySkipsOneTooMany,
  kReplayIgnoresLogId,
  kReplayIgnoresRetiredGroups,
  kReplayIgnoresRemovedSegments,
  kReplayIgnoresIncarnation,
  kReplayStopsAfterFirstFile,
  kTornTailAccepted,
  // Errors of logic: log, schema, removal.
  kTrimIgnoresUnflushed,
  kTrimOneFileTooMany,
  kTrimIgnoresPins,
  kRetirementNotLogged,
  kGroupThrownAwayEarly,
  kSegmentRemovedEarly,
  kSchemaChangeNotSynced,
  kRowsAcknowledgedEarly,
  kSeriesKnownToOtherTable,
  kSnapshotWithoutIndex,
  kLast = kSnapshotWithoutIndex,
};

#ifdef FICUS_PLANTED_BUGS
bool IsPlanted(PlantedBug bug);
// Turns on this one and no other. Any thread; best before the engine starts.
void Plant(PlantedBug bug);
#else
constexpr bool IsPlanted(PlantedBug) { return false; }
#endif

}  // namespace ficus
