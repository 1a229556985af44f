#include "server/ctl/auth.h"

#include <catch2/catch.hpp>

#include "server/security/password_hash.h"
#include "test/server/ctl/ctl_harness.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

Terminal Typing(const std::string& input) {
  Terminal terminal;
  terminal.input = input;
  return terminal;
}

TEST_CASE("a password from standard input becomes a hash", "[ctl][auth]") {
  const std::string end = GENERATE("", "\n", "\r\n", "\nsecond line\n");
  const Outcome outcome = RunCtl({"auth", "hash"}, Typing("canary" + end));
  REQUIRE(outcome.code == 0);
  REQUIRE(outcome.err.empty());
  REQUIRE(outcome.out.back() == '\n');
  REQUIRE(VerifyPassword("canary", outcome.out.substr(0, outcome.out.size() - 1)));
}

TEST_CASE("what cannot be a password is refused and not repeated", "[ctl][auth]") {
  const std::string input = GENERATE(as<std::string>(), "\n", "can\tary\n", " canary\n",
                                     std::string(300, 'c') + "anary\n");
  const Outcome outcome = RunCtl({"auth", "hash"}, Typing(input));
  REQUIRE(outcome.code == 2);
  REQUIRE(outcome.out.empty());
  REQUIRE(outcome.ErrHas("the password"));
  REQUIRE_FALSE(outcome.ErrHas("ary"));
}

TEST_CASE("a file of users is checked and listed without its secrets", "[ctl][auth]") {
  const TempDirectory directory;
  const std::string file = directory.File("users.yaml");
  PutFile(file, "users:\n  - {username: oap, password_hash: \"" + HashPassword("x").value() +
                    "\"}\n  - {username: grafana, password: canary}\n");
  const Outcome listed = RunCtl({"auth", "users", file});
  REQUIRE(listed.code == 0);
  REQUIRE(listed.OutHas("oap"));
  REQUIRE(listed.OutHas("hash"));
  REQUIRE(listed.OutHas("plain text"));
  REQUIRE_FALSE(listed.OutHas("canary"));
  REQUIRE_FALSE(listed.OutHas("$y$"));

  PutFile(file, "users:\n  - {username: oap, password: canary}\n", 0644);
  const Outcome refused = RunCtl({"auth", "users", file});
  REQUIRE(refused.code != 0);
  REQUIRE(refused.ErrHas("chmod 0600"));
}

}  // namespace
}  // namespace ficus
