#include "server/security/authenticator.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "server/security/password_hash.h"
#include "server/security/secret_file.h"

namespace ficus {
namespace {

constexpr size_t kRightMax = 4'096;
constexpr size_t kWrongMax = 1'024;
constexpr size_t kWaitingMax = 64;
constexpr size_t kWaitingPerUserMax = 4;
// Calls that wait for one verification; a client sends them all with the same credential.
constexpr size_t kDonesMax = 1'024;
constexpr int64_t kPausePerVerification = 4;
constexpr int64_t kPauseNanosMax = 2 * kNanosPerSecond;
constexpr int64_t kLogIntervalNanos = 10 * kNanosPerSecond;

}  // namespace

Authenticator::Waiting::~Waiting() { Wipe(password); }

Authenticator::Authenticator(const Parts& parts, VerifyHash verify)
    : parts_(parts),
      verify_(std::move(verify)),
      key_(parts.random),
      failures_(parts.metrics.AddCounter("ficus_auth_failures_total",
                                         "Calls and requests refused for their name or password.")),
      busy_(parts.metrics.AddCounter(
          "ficus_auth_busy_total",
          "Calls and requests refused because too many passwords waited to be verified.")),
      right_(kRightMax),
      wrong_(kWrongMax) {}

bool Authenticator::SetUsers(const std::vector<User>& users) {
  std::map<std::string, Account, std::less<>> accounts;
  std::string stranger_hash;
  for (const User& user : users) {
    accounts[user.name] = {key_.Of({user.password}), user.password_hash};
    if (stranger_hash.empty()) stranger_hash = user.password_hash;
  }
  MutexLock lock(mutex_);
  if (accounts == accounts_) return false;
  ++generation_;
  accounts_ = std::move(accounts);
  stranger_hash_ = std::move(stranger_hash);
  right_.Clear();
  wrong_.Clear();
  return true;
}

void Authenticator::Check(std::string_view username, std::string_view password, Done done) {
  const Digest credential = key_.Of({username, password});
  const Digest plain = key_.Of({password});
  AuthVerdict verdict = AuthVerdict::kDenied;
  {
    MutexLock lock(mutex_);
    const auto account = accounts_.find(username);
    const bool known = account != accounts_.end();
    const bool hashed = known ? !account->second.hash.empty() : !stranger_hash_.empty();
    if (right_.Has(credential)) {
      verdict = AuthVerdict::kGranted;
    } else if (wrong_.Has(credential) || password.size() > kPasswordBytesMax) {
      verdict = AuthVerdict::kDenied;
    } else if (!hashed) {
      // Compared for strangers, too, so that both take the same time.
      const bool same = SameDigest(known ? account->second.password : credential, plain);
      verdict = known && same ? AuthVerdict::kGranted : AuthVerdict::kDenied;
    } else if (Enqueue(credential, known ? username : "", password, done)) {
      return;
    } else {
      verdict = AuthVerdict::kBusy;
    }
  }
  Answer(verdict, done);
}

void Authenticator::Answer(AuthVerdict verdict, const Done& done) {
  if (verdict == AuthVerdict::kDenied) CountFailure();
  if (verdict == AuthVerdict::kBusy) busy_.Add();
  done(verdict);
}

bool Authenticator::Enqueue(const Digest& credential, std::string_view username,
                            std::string_view password, Done& done) {
  if (closed_) return false;
  size_t of_user = 0;
  for (const auto& waiting : queue_) {
    if (waiting->generation == generation_ && SameDigest(waiting->credential, credential)) {
      if (waiting->dones.size() == kDonesMax) return false;
      waiting->dones.push_back(std::move(done));
      return true;
    }
    if (waiting->account == username) ++of_user;
  }
  if (queue_.size() == kWaitingMax || of_user == kWaitingPerUserMax) return false;
  const auto waiting = std::make_shared<Waiting>();
  waiting->credential = credential;
  waiting->account = username;
  waiting->password = password;
  waiting->hash = username.empty() ? stranger_hash_ : accounts_.find(username)->second.hash;
  waiting->generation = generation_;
  waiting->dones.push_back(std::move(done));
  queue_.push_back(waiting);
  ScheduleNext();
  return true;
}

void Authenticator::ScheduleNext() {
  if (scheduled_ || queue_.empty()) return;
  scheduled_ = true;
  const int64_t delay = not_before_ - parts_.clock.Monotonic();
  if (delay > 0) {
    parts_.executor.PostAfter(delay, [this] { VerifyNext(); });
  } else {
    parts_.executor.Post([this] { VerifyNext(); });
  }
}

void Authenticator::VerifyNext() {
  std::shared_ptr<Waiting> next;
  {
    MutexLock lock(mutex_);
    if (queue_.empty()) {
      scheduled_ = false;
      return;
    }
    // It stays in the queue, so that the same credential joins it.
    next = queue_.front();
  }
  const int64_t started = parts_.clock.Monotonic();
  const bool fits = verify_(next->password, next->hash);
  Finish(next, fits && !next->account.empty(), parts_.clock.Monotonic() - started);
}

void Authenticator::Finish(const std::shared_ptr<Waiting>& waiting, bool right,
                           int64_t took_nanos) {
  AuthVerdict verdict = right ? AuthVerdict::kGranted : AuthVerdict::kDenied;
  std::vector<Done> dones;
  {
    MutexLock lock(mutex_);
    scheduled_ = false;
    if (!right) {
      const int64_t pause = std::min(took_nanos * kPausePerVerification, kPauseNanosMax);
      not_before_ = parts_.clock.Monotonic() + pause;
    }
    if (closed_) return;  // all that waited have their answer
    CHECK(queue_.front() == waiting);
    queue_.pop_front();
    dones = std::move(waiting->dones);
    if (waiting->generation == generation_) {
      (right ? right_ : wrong_).Add(waiting->credential);
    } else {
      verdict = AuthVerdict::kBusy;  // verified against users that are no more
    }
    ScheduleNext();
  }
  for (const Done& done : dones) Answer(verdict, done);
}

void Authenticator::Close() {
  std::deque<std::shared_ptr<Waiting>> waiting;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    waiting.swap(queue_);
  }
  for (const auto& one : waiting) {
    for (const Done& done : one->dones) Answer(AuthVerdict::kBusy, done);
  }
}

void Authenticator::CountFailure() {
  failures_.Add();
  uint64_t count = 0;
  {
    MutexLock lock(mutex_);
    ++failures_unlogged_;
    const int64_t now = parts_.clock.Monotonic();
    const bool first = failures_logged_at_ == 0;
    if (!first && now - failures_logged_at_ < kLogIntervalNanos) return;
    failures_logged_at_ = std::max<int64_t>(now, 1);
    count = std::exchange(failures_unlogged_, 0);
  }
  LogWarn("auth.denied", "{} calls since the last such line had a wrong name or password", count);
}

}  // namespace ficus
