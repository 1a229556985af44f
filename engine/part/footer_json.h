// The JSON objects in the footers of parts and index runs: flat, small, parsed within bounds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "engine/base/result.h"

namespace ficus {

// The object that `json` is. kCorruption for anything else, for nesting and for more than
// kFooterJsonBytesMax bytes.
Result<boost::json::object> ParseFooterJson(std::string_view json);

// Reads the members of an object, which outlives it; the first that is missing or of another kind
// is remembered, and reading goes on with empty values.
class JsonMembers {
 public:
  explicit JsonMembers(const boost::json::object& object) : object_(&object) {}

  uint64_t Uint(std::string_view name);
  int64_t Int(std::string_view name);
  bool Bool(std::string_view name);
  // Sixteen hex digits.
  uint64_t Hex(std::string_view name);

  // Remembers that `name` holds something that its kind alone does not forbid.
  void Refuse(std::string_view name);

  // kCorruption names the member.
  Result<> result() const;

 protected:
  // Null when there is none.
  const boost::json::value* Find(std::string_view name) const;
  // The first member that was refused; empty while there is none.
  const std::string& refused() const { return refused_; }

 private:
  const boost::json::object* object_;
  std::string refused_;
};

}  // namespace ficus
