// A benchmark that cannot go on ends with the reason.
#pragma once

#include <type_traits>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/result.h"

namespace ficus::bench {

template <typename T>
T Need(Result<T> result) {
  CHECK(result.has_value()) << result.error().ToString();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace ficus::bench
