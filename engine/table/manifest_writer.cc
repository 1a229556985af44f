#include "engine/table/manifest_writer.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/planted_bug.h"
#include "engine/part/part.h"

namespace ficus {
namespace {

std::set<std::string> LiveNames(const Manifest& manifest) {
  std::set<std::string> names;
  for (const PartInfo& part : manifest.parts) names.insert(PartFileName(part.number));
  for (const IndexRunInfo& run : manifest.runs) names.insert(IndexRunFileName(run.number));
  return names;
}

// Lists what jobs under way write among the files that may go when they are found.
void ListUnnamed(Manifest& manifest, std::set<std::string> unnamed) {
  const std::set<std::string> live = LiveNames(manifest);
  unnamed.insert(manifest.obsolete.begin(), manifest.obsolete.end());
  manifest.obsolete.clear();
  std::set_difference(unnamed.begin(), unnamed.end(), live.begin(), live.end(),
                      std::back_inserter(manifest.obsolete));
}

}  // namespace

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

Result<Manifest> ManifestWriter::NextManifest(const Edit& edit) {
  Manifest next = current_;
  RETURN_IF_ERROR(edit(next));
  for (const std::string& name : environment_.cleaner->TakeRemoved()) {
    std::erase(next.obsolete, name);
    environment_.numbers.Settle(name);
  }
  next.epoch = Epoch(environment_.epochs.fetch_add(1));
  FileNumbers::State numbers = environment_.numbers.Get();
  next.next_file = numbers.next;
  ListUnnamed(next, std::move(numbers.unnamed));
  CHECK(next.epoch > current_.epoch) << next.epoch << " after " << current_.epoch;
  CHECK(next.log != current_.log || next.flushed >= current_.flushed)
      << "flushed positions never fall: " << next.flushed << " after " << current_.flushed;
  return next;
}

void ManifestWriter::WriteNow(const Edit& edit, const Done& done) {
  const Result<Manifest> edited = NextManifest(edit);
  if (!edited.has_value()) {
    done(edited.error());
    return;
  }
  const Manifest& next = *edited;
  const Result<> written = WriteManifest(environment_.fs, environment_.random, directory_, next);
  if (!written.has_value()) {
    done(written.error());
    return;
  }
  for (const std::string& name : LiveNames(next)) environment_.numbers.Settle(name);
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
