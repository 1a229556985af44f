#include "server/security/user_file.h"

#include <catch2/catch.hpp>

#include "server/security/password_hash.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr char kCanary[] = "canary-7f3a";

std::string Complaint(const std::string& text) {
  const Result<std::vector<User>> users = ParseUsers(text);
  REQUIRE_FALSE(users.has_value());
  REQUIRE(users.error().code == ErrorCode::kInvalidArgument);
  // Whatever is wrong, no secret is part of the message.
  REQUIRE(users.error().message.find(kCanary) == std::string::npos);
  return users.error().message;
}

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("BanyanDB's file is read", "[security][auth]") {
  const auto users = ParseUsers(
      "users:\n  - username: admin\n    password: secret1\n"
      "  - username: oap\n    password: 1234\n");
  REQUIRE(users.has_value());
  REQUIRE(users->size() == 2);
  REQUIRE((*users)[0].name == "admin");
  REQUIRE((*users)[0].password == "secret1");
  REQUIRE((*users)[0].password_hash.empty());
  REQUIRE((*users)[1].password == "1234");
}

TEST_CASE("a hash stands in place of a password", "[security][auth]") {
  const std::string hash = HashPassword("x").value();
  const auto users = ParseUsers("users:\n  - {username: a, password_hash: \"" + hash + "\"}\n");
  REQUIRE(users.has_value());
  REQUIRE((*users)[0].password_hash == hash);
  REQUIRE((*users)[0].password.empty());
}

TEST_CASE("what is wrong with a file of users is told without its secrets", "[security][auth]") {
  const std::string canary = kCanary;
  REQUIRE(Has(Complaint(""), "must hold one key, users:"));
  REQUIRE(Has(Complaint(canary), "must hold one key, users:"));
  REQUIRE(Has(Complaint(canary + ": x\n"), "must hold one key, users:"));
  REQUIRE(Has(Complaint("users:\n"), "takes a list"));
  REQUIRE(Has(Complaint("users: []\n"), "takes a list"));
  REQUIRE(Has(Complaint("users: {username: a}\n"), "takes a list"));
  REQUIRE(Has(Complaint("users:\n  - " + canary + "\n"), "2:5: a user is a section"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n"), "user a needs one of"));
  REQUIRE(Has(Complaint("users:\n  - password: " + canary + "\n"), "username is empty"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n    password: " + canary +
                        "\n    password_hash: $y$" + canary + "\n"),
              "user a needs one of"));
  REQUIRE(
      Has(Complaint("users:\n  - username: a\n    pasword: " + canary + "\n"), "3:5: unknown key"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n    " + canary + ": x\n"), "unknown key"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n    password: [" + canary + "]\n"),
              "password takes a text"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n    password: " + canary + "\n    password: x\n"),
              "given twice"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n    password: \"" + canary + "\\n\"\n"),
              "the password of user a has characters"));
  REQUIRE(Has(Complaint("users:\n  - username: a\n    password_hash: " + canary + "\n"),
              "the password_hash of user a is no hash"));
  REQUIRE(Has(Complaint("users:\n  - {username: a, password: x}\n  - {username: a, password: y}\n"),
              "user a is given twice"));
  REQUIRE(Has(Complaint("users: &a [*a, \"" + canary + "]\n"), "is no YAML"));
  REQUIRE(
      Has(Complaint("users:\n  - username: \"" + std::string(129, 'u') + "\"\n    password: x\n"),
          "longer than 128"));
}

TEST_CASE("a file that others may read is refused", "[security][auth]") {
  const TempDirectory directory;
  const std::string path = directory.File("users.yaml");
  PutFile(path, "users:\n  - {username: a, password: x}\n", 0644);
  const auto users = ReadUsers(path);
  REQUIRE(users.error().code == ErrorCode::kPermissionDenied);
  REQUIRE(Has(users.error().message, path));
  PutFile(path, "users:\n  - {username: a, password: x}\n", 0600);
  REQUIRE(ReadUsers(path).has_value());
  PutFile(path, "users:\n  - {username: a}\n", 0600);
  REQUIRE(Has(ReadUsers(path).error().message, path + ":2:5: user a needs"));
}

}  // namespace
}  // namespace ficus
