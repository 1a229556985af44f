// The answers to a written row, as BanyanDB names them (model.v1.Status).
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/error.h"

namespace ficus {

// Values of the wire. Which mistake gets which answer: docs/write-status.md.
enum class WriteStatus : uint8_t {
  kUnspecified = 0,
  kSucceed = 1,
  kInvalidTimestamp = 2,
  kNotFound = 3,
  kExpiredSchema = 4,
  kInternalError = 5,
  kDiskFull = 6,
  kVersionUnsupported = 7,
  kVersionDeprecated = 8,
  kMetadataRequired = 9,
  kSchemaNotApplied = 10,
};

// "STATUS_SUCCEED", ...: what a reply carries.
std::string_view WriteStatusName(WriteStatus status);

// The answer to a right row that the database refused with `code`.
WriteStatus StatusOfRefusal(ErrorCode code);

}  // namespace ficus
