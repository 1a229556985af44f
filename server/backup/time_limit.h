// A stop token for what has to end soon, whatever else goes on: a last request to a store that may
// hang.
#pragma once

#include <cstdint>
#include <stop_token>
#include <thread>

namespace ficus {

// One owner; the token from any thread.
class TimeLimit {
 public:
  // `token` is requested after `nanos`, at once where there is no thread to wait.
  explicit TimeLimit(int64_t nanos);

  std::stop_token token() const { return over_.get_token(); }

 private:
  std::stop_source over_;
  std::jthread watch_;
};

}  // namespace ficus
