// The text that every record of a backup is: a JSON object, one member on a line, the checksum of
// all lines before it in the last one.
//
//     {
//     "ficus": "backup commit",
//     "version": 1,
//     "required_features": "0000000000000000",
//     ...
//     "checksum": "sha256:<64 hex digits>"
//     }
//
// Layout: FILE-FORMAT.md, "Backup records". `jq` reads it, a text editor breaks it visibly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/part/footer_json.h"
#include "server/backup/sha256.h"

namespace ficus {

// Builds one JSON object member by member, in the order of the calls.
class RecordMembers {
 public:
  // `separator` stands between members: ",\n" in a record, ", " in a line of a list.
  explicit RecordMembers(std::string_view separator) : separator_(separator) {}

  void Text(std::string_view name, std::string_view value);
  void Uint(std::string_view name, uint64_t value);
  void Hex(std::string_view name, uint64_t value);    // sixteen hex digits
  void Hex32(std::string_view name, uint32_t value);  // eight hex digits
  void Bool(std::string_view name, bool value);
  void Time(std::string_view name, UnixNanos value);
  void Hash(std::string_view name, const Sha256& value);
  void Texts(std::string_view name, const std::vector<std::string>& values);
  // A list of objects, one on a line; `fill` writes object `i`.
  void Objects(std::string_view name, size_t count,
               const std::function<void(size_t i, RecordMembers& members)>& fill);

  // The members without braces.
  const std::string& text() const { return text_; }

 private:
  void Name(std::string_view name);

  std::string_view separator_;
  std::string text_;
};

// The whole text of a record of `kind`, for example "backup commit".
std::string SealRecord(std::string_view kind, const RecordMembers& members);

// Reads what RecordMembers writes. Valid as long as the record it came from.
class MemberReader : public JsonMembers {
 public:
  using JsonMembers::JsonMembers;

  // For members that earlier records lack.
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  std::string Text(std::string_view name);
  uint32_t Hex32(std::string_view name);
  UnixNanos Time(std::string_view name);
  Sha256 Hash(std::string_view name);
  std::vector<std::string> Texts(std::string_view name);
  // Calls `read` for each object of a list; what it finds wrong is wrong here, too.
  void Objects(std::string_view name, const std::function<void(MemberReader& members)>& read);
};

// A record whose checksum, kind, version and features have been checked.
class OpenedRecord {
 public:
  MemberReader members() const { return MemberReader(*object_); }

 private:
  friend Result<OpenedRecord> OpenRecord(std::string_view kind, uint64_t bytes_max,
                                         std::string_view bytes);
  std::unique_ptr<boost::json::monotonic_resource> memory_;
  std::unique_ptr<boost::json::value> value_;
  const boost::json::object* object_ = nullptr;
};

// kCorruption for more than `bytes_max` bytes (looked at before anything else), a wrong checksum,
// another kind or anything that is not such a text; kUnsupportedVersion for a later version or an
// unknown required feature.
Result<OpenedRecord> OpenRecord(std::string_view kind, uint64_t bytes_max, std::string_view bytes);

// `text` with the checksum that its lines have: turns what a person or a fuzzer changed into a
// record that is only wrong in its content. Empty when the last lines are not those of a record.
std::string WithMendedChecksum(std::string_view text);

}  // namespace ficus
