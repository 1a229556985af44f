// Decides whether a name and a password belong together, at a bounded cost.
//
// Operation
//   A credential that was right before is known again by a keyed digest, at the cost of one HMAC;
//   so is one that was wrong. Everything else about a hashed password is slow on purpose, so it
//   waits for its turn: one verification at a time, on the executor given, and after a wrong one a
//   pause of four times as long as it took. A flood of wrong passwords thus takes a fifth of one
//   core at most, and guesses are few. What waits is bounded, for each user and in all; beyond it
//   the answer is kBusy, at once.
//
//   A name that nobody has costs the same as a wrong password, so that names cannot be found out.
//
// All members: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/runtime/executor.h"
#include "server/security/digest_set.h"
#include "server/security/keyed_digest.h"
#include "server/security/user_file.h"

namespace ficus {

enum class AuthVerdict {
  kGranted,
  kDenied,
  kBusy,  // not looked at: too many wait, or the authenticator is closed
};

class Authenticator {
 public:
  // Once, with the verdict: before Check returns, or later on the executor.
  using Done = std::function<void(AuthVerdict)>;
  // Whether a password has a hash; VerifyPassword unless a test brings its own.
  using VerifyHash = std::function<bool(const std::string& password, const std::string& hash)>;

  // All of it outlives the authenticator, except that the executor's jobs have ended before.
  struct Parts {
    RandomSource& random;
    const Clock& clock;
    Executor& executor;
    MetricRegistry& metrics;
  };

  // Knows nobody until SetUsers. Counts ficus_auth_failures_total and ficus_auth_busy_total.
  Authenticator(const Parts& parts, VerifyHash verify);
  ~Authenticator() { Close(); }
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  // From here on these users and no others; false when they are the same as before. Calls and
  // streams that were let in go on.
  bool SetUsers(const std::vector<User>& users);

  void Check(std::string_view username, std::string_view password, Done done);

  // Answers kBusy to all that wait, and to everything that would have to wait. Idempotent.
  void Close();

 private:
  struct Account {
    Digest password;   // of a password in plain text
    std::string hash;  // empty: `password` counts

    friend bool operator==(const Account&, const Account&) = default;
  };
  // A credential that waits for its turn, and everybody who asked about it.
  struct Waiting {
    Digest credential;
    std::string account;  // empty for names that nobody has
    std::string password;
    std::string hash;
    uint64_t generation = 0;  // of the users that `hash` is from
    std::vector<Done> dones;

    ~Waiting();
  };

  Digest CredentialOf(std::string_view username, std::string_view password) const;
  // Adds to the queue; kBusy when it is full.
  bool Enqueue(const Digest& credential, std::string_view username, std::string_view password,
               Done& done) REQUIRES(mutex_);
  void ScheduleNext() REQUIRES(mutex_);
  void VerifyNext();
  void Finish(const std::shared_ptr<Waiting>& waiting, bool right, int64_t took_nanos);
  void Answer(AuthVerdict verdict, const Done& done);
  void CountFailure();

  const Parts parts_;
  const VerifyHash verify_;
  const DigestKey key_;
  Counter& failures_;
  Counter& busy_;

  Mutex mutex_;
  bool closed_ GUARDED_BY(mutex_) = false;
  bool scheduled_ GUARDED_BY(mutex_) = false;
  int64_t not_before_ GUARDED_BY(mutex_) = 0;   // monotonic: when the next verification may begin
  uint64_t generation_ GUARDED_BY(mutex_) = 0;  // of the users
  std::map<std::string, Account, std::less<>> accounts_ GUARDED_BY(mutex_);
  std::string stranger_hash_ GUARDED_BY(mutex_);  // what a name that nobody has is verified against
  DigestSet right_ GUARDED_BY(mutex_);
  DigestSet wrong_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Waiting>> queue_ GUARDED_BY(mutex_);
  int64_t failures_logged_at_ GUARDED_BY(mutex_) = 0;
  uint64_t failures_unlogged_ GUARDED_BY(mutex_) = 0;
};

}  // namespace ficus
