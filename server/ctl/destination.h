// Which configured remote a URL means, and what to write into the configuration when none does.
#pragma once

#include <string>
#include <string_view>

#include "ficus/admin/v1/admin.pb.h"

namespace ficus {

// A URL in the form that is compared: scheme in lower case, gcs as gs, BanyanDB's s3:///bucket as
// s3://bucket, no slash at the end, no empty or "." pieces.
std::string CanonicalUrl(std::string_view url);

// The remote whose URL is `url`; null when there is none.
const admin::v1::Remote* FindRemote(const admin::v1::ListRemotesResponse& remotes,
                                    std::string_view url);

// What to do about a URL that no remote has: the configuration to write, and what there is.
std::string UnknownDestinationText(std::string_view url,
                                   const admin::v1::ListRemotesResponse& remotes);
// The same for a schedule that no job of the remote has.
std::string UnknownScheduleText(std::string_view remote, std::string_view schedule,
                                std::string_view time_style);

// BanyanDB takes "daily" for "@daily"; both mean the same.
std::string CanonicalSchedule(std::string_view schedule);

}  // namespace ficus
