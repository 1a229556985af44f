#include "engine/table/manifest_writer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/planted_bug.h"

namespace ficus {

ManifestWriter::ManifestWriter(Environment environment, std::string directory, Manifest current,
                               Epoch previous)
    : environment_(std::move(environment)),
      directory_(std::move(directory)),
      strand_(environment_.executor),
      current_(std::move(current)),
      previous_epoch_(previous) {}

void ManifestWriter::Write(Edit edit, Done done) {
  strand_.Post([this, edit = std::move(edit), done = std::move(done)] { WriteNow(edit, done); });
}

void ManifestWriter::WriteNow(const Edit& edit, const Done& done) {
  Manifest next = current_;
  const std::set<std::string> removed = environment_.cleaner->TakeRemoved();
  std::erase_if(next.obsolete, [&](const std::string& name) { return removed.contains(name); });
  edit(next);
  next.epoch = Epoch(environment_.epochs.fetch_add(1));
  next.next_file = FileNumber(environment_.next_file.load());
  CHECK(next.epoch > current_.epoch) << next.epoch << " after " << current_.epoch;
  CHECK(next.log != current_.log || next.flushed >= current_.flushed)
      << "flushed positions never fall: " << next.flushed << " after " << current_.flushed;

  const Result<> written = WriteManifest(environment_.fs, environment_.random, directory_, next);
  if (!written.has_value()) {
    done(written.error());
    return;
  }
  const Epoch oldest = std::exchange(previous_epoch_, current_.epoch);
  if (!IsPlanted(PlantedBug::kManifestFromStaleOne)) current_ = next;
  if (oldest.value() != 0) {
    const Result<> dropped = environment_.fs.Remove(JoinPath(directory_, ManifestFileName(oldest)));
    if (!dropped.has_value() && dropped.error().code != ErrorCode::kNotFound) {
      LogWarn("table.manifest", "an old manifest stays: {}", dropped.error().ToString());
    }
  }
  done(next);
}

}  // namespace ficus
