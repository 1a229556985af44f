// Any bytes as what an operator asks: names, backup jobs, rules of keeping. What is accepted is
// within its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "ficus/admin/v1/admin.pb.h"
#include "server/rpc/admin_convert.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (ficus::CheckAdminName("job", bytes)) CHECK(size <= ficus::kAdminNameBytesMax);
  ficus::admin::v1::BackupSpec spec;
  if (spec.ParseFromArray(data, static_cast<int>(size))) {
    const auto job = ficus::FromMessage(spec);
    CHECK(job.has_value() || !job.error().message.empty());
    const auto percent = ficus::SamplePercent(spec.sample_percent(), 5);
    if (percent) CHECK(*percent > 0 && *percent <= 100);
  }
  ficus::admin::v1::KeepRule keep;
  if (keep.ParseFromArray(data, static_cast<int>(size))) {
    const auto rule = ficus::FromMessage(keep);
    if (rule) {
      ficus::admin::v1::KeepRule again;
      ficus::ToMessage(*rule, again);
      CHECK(ficus::FromMessage(again).has_value());
    }
  }
  return 0;
}
