#include "server/security/authenticator.h"

#include <optional>

#include <catch2/catch.hpp>

#include "engine/base/log.h"

namespace ficus {
namespace {

constexpr int64_t kCost = 50 * kNanosPerMilli;

// Verifications take their time on the test's clock and are counted. The hash of a password is
// "hash of <password>".
struct Sample {
  LogCapture log;
  ManualClock clock{1'700'000'000 * kNanosPerSecond};
  SeededRandom random{7};
  MetricRegistry metrics;
  std::unique_ptr<DeterministicExecutor> executor = DeterministicExecutor::Create(7, clock);
  int verifications = 0;
  Authenticator authenticator{{random, clock, *executor, metrics},
                              [this](const std::string& password, const std::string& hash) {
                                ++verifications;
                                clock.Advance(kCost);
                                return hash == "hash of " + password;
                              }};

  Sample() { authenticator.SetUsers({{"hashed", "", "hash of right"}, {"plain", "right", ""}}); }
  // The verdict so far.
  std::shared_ptr<std::optional<AuthVerdict>> Ask(const std::string& name,
                                                  const std::string& password) {
    auto verdict = std::make_shared<std::optional<AuthVerdict>>();
    authenticator.Check(name, password, [verdict](AuthVerdict given) {
      REQUIRE_FALSE(verdict->has_value());
      *verdict = given;
    });
    return verdict;
  }
  AuthVerdict Verdict(const std::string& name, const std::string& password) {
    const auto verdict = Ask(name, password);
    executor->RunUntil([&] { return verdict->has_value(); });
    return verdict->value();
  }
  uint64_t Failures() { return metrics.AddCounter("ficus_auth_failures_total", "").value(); }
  uint64_t Busy() { return metrics.AddCounter("ficus_auth_busy_total", "").value(); }
};

TEST_CASE("a name with its own password is let in", "[security][auth]") {
  Sample sample;
  const std::string name = GENERATE("hashed", "plain");
  REQUIRE(sample.Verdict(name, "right") == AuthVerdict::kGranted);
  REQUIRE(sample.Failures() == 0);
}

TEST_CASE("everything else is not", "[security][auth]") {
  Sample sample;
  const std::string name = GENERATE("hashed", "plain", "nobody", "");
  const std::string password = GENERATE("wrong", "", "righ", "rightt", "Right");
  REQUIRE(sample.Verdict(name, password) == AuthVerdict::kDenied);
  REQUIRE(sample.Failures() == 1);
}

TEST_CASE("a stranger with a known password is not let in", "[security][auth]") {
  Sample sample;
  REQUIRE(sample.Verdict("nobody", "right") == AuthVerdict::kDenied);
  REQUIRE(sample.Verdict("", "right") == AuthVerdict::kDenied);
}

TEST_CASE("a password that was right once costs no verification again", "[security][auth]") {
  Sample sample;
  REQUIRE(sample.Verdict("hashed", "right") == AuthVerdict::kGranted);
  REQUIRE(sample.verifications == 1);
  for (int i = 0; i < 100; ++i) {
    // At once, on the thread that asks.
    REQUIRE(*sample.Ask("hashed", "right") == AuthVerdict::kGranted);
  }
  REQUIRE(sample.verifications == 1);
}

TEST_CASE("neither does one that was wrong", "[security][auth]") {
  Sample sample;
  REQUIRE(sample.Verdict("hashed", "wrong") == AuthVerdict::kDenied);
  for (int i = 0; i < 100; ++i) REQUIRE(*sample.Ask("hashed", "wrong") == AuthVerdict::kDenied);
  REQUIRE(sample.verifications == 1);
  REQUIRE(sample.Failures() == 101);
}

TEST_CASE("calls with the same new credential share one verification", "[security][auth]") {
  Sample sample;
  const auto first = sample.Ask("hashed", "right");
  const auto second = sample.Ask("hashed", "right");
  sample.executor->RunUntilIdle();
  REQUIRE(*first == AuthVerdict::kGranted);
  REQUIRE(*second == AuthVerdict::kGranted);
  REQUIRE(sample.verifications == 1);
}

TEST_CASE("a name that nobody has costs as much as a wrong password", "[security][auth]") {
  Sample sample;
  REQUIRE(sample.Verdict("nobody", "guess") == AuthVerdict::kDenied);
  REQUIRE(sample.verifications == 1);
}

TEST_CASE("a flood of guesses takes a fifth of a core at most", "[security][auth]") {
  Sample sample;
  const int64_t begin = sample.clock.Monotonic();
  int guesses = 0;
  while (sample.clock.Monotonic() - begin < 60 * kNanosPerSecond) {
    sample.Verdict("hashed", "guess " + std::to_string(guesses++));
  }
  const int64_t worked = sample.verifications * kCost;
  REQUIRE(worked <= (sample.clock.Monotonic() - begin) / 5 + kCost);
  REQUIRE(sample.verifications > 100);  // and it does go on
}

TEST_CASE("a flood at one name leaves the others their turn", "[security][auth]") {
  Sample sample;
  int busy = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto verdict = sample.Ask("nobody " + std::to_string(i), "guess " + std::to_string(i));
    busy += *verdict == AuthVerdict::kBusy;
  }
  REQUIRE(busy == 996);
  REQUIRE(sample.Busy() == 996);
  REQUIRE(sample.Verdict("hashed", "right") == AuthVerdict::kGranted);
}

TEST_CASE("new users count from the next question on", "[security][auth]") {
  Sample sample;
  REQUIRE(sample.Verdict("hashed", "right") == AuthVerdict::kGranted);
  REQUIRE(sample.Verdict("hashed", "new") == AuthVerdict::kDenied);
  REQUIRE_FALSE(sample.authenticator.SetUsers(
      {{"hashed", "", "hash of right"}, {"plain", "right", ""}}));  // the same
  REQUIRE(sample.authenticator.SetUsers({{"hashed", "", "hash of new"}}));
  REQUIRE(sample.Verdict("hashed", "right") == AuthVerdict::kDenied);
  REQUIRE(sample.Verdict("hashed", "new") == AuthVerdict::kGranted);
  REQUIRE(sample.Verdict("plain", "right") == AuthVerdict::kDenied);
}

TEST_CASE("a verification against users that are no more lets nobody in", "[security][auth]") {
  Sample sample;
  const auto waiting = sample.Ask("hashed", "right");
  sample.authenticator.SetUsers({{"hashed", "", "hash of new"}});
  // The same credential again, which the new users do not have.
  const auto after = sample.Ask("hashed", "right");
  sample.executor->RunUntil([&] { return after->has_value(); });
  REQUIRE(*waiting == AuthVerdict::kBusy);
  REQUIRE(*after == AuthVerdict::kDenied);
  REQUIRE(sample.Verdict("hashed", "new") == AuthVerdict::kGranted);
}

TEST_CASE("closing answers everybody who waits", "[security][auth]") {
  Sample sample;
  REQUIRE(sample.Verdict("hashed", "right") == AuthVerdict::kGranted);
  const auto waiting = sample.Ask("hashed", "other");
  REQUIRE_FALSE(waiting->has_value());
  sample.authenticator.Close();
  REQUIRE(*waiting == AuthVerdict::kBusy);
  REQUIRE(*sample.Ask("hashed", "third") == AuthVerdict::kBusy);
  REQUIRE(*sample.Ask("hashed", "right") == AuthVerdict::kGranted);
  sample.executor->RunUntilIdle();
}

TEST_CASE("wrong passwords are told in few lines and without themselves", "[security][auth]") {
  Sample sample;
  for (int i = 0; i < 100; ++i) sample.Verdict("plain", "canary-" + std::to_string(i));
  REQUIRE(sample.log.Count("auth.denied") == 1);
  sample.clock.Advance(11 * kNanosPerSecond);
  sample.Verdict("plain", "canary");
  REQUIRE(sample.log.Count("auth.denied") == 2);
  for (const LogCapture::Line& line : sample.log.lines()) {
    REQUIRE(line.text.find("canary") == std::string::npos);
  }
  REQUIRE(sample.log.lines().back().text.find("100 calls") == 0);
}

}  // namespace
}  // namespace ficus
