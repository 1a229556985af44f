#include "server/security/user_source.h"

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

struct Sample {
  TempDirectory directory;
  LogCapture log;
  ManualClock clock{1'700'000'000 * kNanosPerSecond};
  SeededRandom random{7};
  MetricRegistry metrics;
  std::unique_ptr<DeterministicExecutor> executor = DeterministicExecutor::Create(7, clock);
  Authenticator authenticator{{random, clock, *executor, metrics},
                              [](const std::string&, const std::string&) { return false; }};
  std::string path = directory.File("users.yaml");

  void Write(const std::string& name, const std::string& password, unsigned mode = 0600) {
    PutFile(path, "users:\n  - {username: " + name + ", password: " + password + "}\n", mode);
  }
  bool LetsIn(const std::string& name, const std::string& password) {
    bool granted = false;
    authenticator.Check(name, password,
                        [&](AuthVerdict verdict) { granted = verdict == AuthVerdict::kGranted; });
    return granted;
  }
  double LastSuccess() { return metrics.AddGauge("ficus_auth_last_reload_success", "").value(); }
};

TEST_CASE("the users are those of the file, also after it has changed", "[security][auth]") {
  Sample sample;
  sample.Write("a", "1");
  UserSource source(sample.path, ReadUsers(sample.path).value(), sample.authenticator,
                    sample.metrics);
  REQUIRE(sample.LetsIn("a", "1"));
  sample.Write("b", "2");
  REQUIRE(source.Refresh().has_value());
  REQUIRE_FALSE(sample.LetsIn("a", "1"));
  REQUIRE(sample.LetsIn("b", "2"));
  REQUIRE(source.Refresh().has_value());
  REQUIRE(sample.log.Count("auth.users") == 2);  // an unchanged file is no news
}

TEST_CASE("a file that cannot be used leaves the users as they are", "[security][auth]") {
  Sample sample;
  sample.Write("a", "1");
  UserSource source(sample.path, ReadUsers(sample.path).value(), sample.authenticator,
                    sample.metrics);
  SECTION("no YAML") { PutFile(sample.path, "users: [canary"); }
  SECTION("one user of two is wrong") {
    PutFile(sample.path, "users:\n  - {username: b, password: canary}\n  - {username: c}\n");
  }
  SECTION("others may read it") { sample.Write("b", "canary", 0640); }
  SECTION("it is gone") { std::remove(sample.path.c_str()); }
  REQUIRE_FALSE(source.Refresh().has_value());
  REQUIRE_FALSE(source.Refresh().has_value());
  REQUIRE(sample.LetsIn("a", "1"));
  REQUIRE_FALSE(sample.LetsIn("b", "canary"));
  REQUIRE(sample.LastSuccess() == 0);
  REQUIRE(sample.log.Count("auth.reload_failed") == 1);
  for (const LogCapture::Line& line : sample.log.lines()) {
    REQUIRE(line.text.find("canary") == std::string::npos);
  }
  sample.Write("b", "2");
  REQUIRE(source.Refresh().has_value());
  REQUIRE(sample.LetsIn("b", "2"));
  REQUIRE(sample.LastSuccess() == 1);
}

}  // namespace
}  // namespace ficus
