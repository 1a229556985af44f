#include "server/ingest/write_status.h"

namespace ficus {

std::string_view WriteStatusName(WriteStatus status) {
  switch (status) {
    case WriteStatus::kUnspecified:
      return "STATUS_UNSPECIFIED";
    case WriteStatus::kSucceed:
      return "STATUS_SUCCEED";
    case WriteStatus::kInvalidTimestamp:
      return "STATUS_INVALID_TIMESTAMP";
    case WriteStatus::kNotFound:
      return "STATUS_NOT_FOUND";
    case WriteStatus::kExpiredSchema:
      return "STATUS_EXPIRED_SCHEMA";
    case WriteStatus::kInternalError:
      return "STATUS_INTERNAL_ERROR";
    case WriteStatus::kDiskFull:
      return "STATUS_DISK_FULL";
    case WriteStatus::kVersionUnsupported:
      return "STATUS_VERSION_UNSUPPORTED";
    case WriteStatus::kVersionDeprecated:
      return "STATUS_VERSION_DEPRECATED";
    case WriteStatus::kMetadataRequired:
      return "STATUS_METADATA_REQUIRED";
    case WriteStatus::kSchemaNotApplied:
      return "STATUS_SCHEMA_NOT_APPLIED";
  }
  return "STATUS_UNSPECIFIED";
}

WriteStatus StatusOfRefusal(ErrorCode code) {
  // A node that takes no writes answers like a full disk, which is what stops it most often.
  if (code == ErrorCode::kNoSpace || code == ErrorCode::kReadOnly) return WriteStatus::kDiskFull;
  return WriteStatus::kInternalError;
}

}  // namespace ficus
