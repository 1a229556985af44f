#include "engine/part/part_footer.h"

#include <limits>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "engine/base/id.h"
#include "engine/part/footer_json.h"

namespace ficus {

std::string PartFooterToJson(const PartFooter& footer) {
  const PartInfo& info = footer.info;
  const boost::json::object object = {
      {"rows", info.rows},
      {"blocks", info.blocks},
      {"series", info.series},
      {"entries", footer.entries},
      {"time_begin", info.times.begin},
      {"time_end", info.times.end},
      {"first_position", info.first_position.value()},
      {"last_position", info.last_position.value()},
      {"generation", info.generation},
      {"has_tombstones", info.has_tombstones},
      {"first_subject", Hex16(footer.first.subject)},
      {"first_series", Hex16(footer.first.series)},
      {"last_subject", Hex16(footer.last.subject)},
      {"last_series", Hex16(footer.last.series)},
      {"key_bytes", footer.key_bytes},
      {"column_bytes", footer.column_bytes},
  };
  return boost::json::serialize(object);
}

Result<PartFooter> PartFooterFromJson(std::string_view json) {
  ASSIGN_OR_RETURN(const boost::json::object object, ParseFooterJson(json));
  JsonMembers members(object);
  PartFooter footer;
  footer.info.rows = members.Uint("rows");
  footer.info.blocks = members.Uint("blocks");
  footer.info.series = members.Uint("series");
  footer.entries = members.Uint("entries");
  footer.info.times = {members.Int("time_begin"), members.Int("time_end")};
  footer.info.first_position = LogPosition(members.Uint("first_position"));
  footer.info.last_position = LogPosition(members.Uint("last_position"));
  const uint64_t generation = members.Uint("generation");
  footer.info.has_tombstones = members.Bool("has_tombstones");
  footer.first = {SubjectId(members.Hex("first_subject")), SeriesId(members.Hex("first_series"))};
  footer.last = {SubjectId(members.Hex("last_subject")), SeriesId(members.Hex("last_series"))};
  footer.key_bytes = members.Uint("key_bytes");
  footer.column_bytes = members.Uint("column_bytes");
  RETURN_IF_ERROR(members.result());

  if (footer.info.rows == 0 || footer.info.times.empty() || footer.last < footer.first ||
      generation > std::numeric_limits<uint32_t>::max()) {
    return Error{ErrorCode::kCorruption, "JSON: impossible numbers"};
  }
  footer.info.generation = static_cast<uint32_t>(generation);
  return footer;
}

}  // namespace ficus
