#include "server/security/secret_file.h"

#include <cstdlib>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

SecretFileRules OwnerOnly() {
  SecretFileRules rules;
  rules.readers = FileReaders::kOwnerOnly;
  rules.bytes_max = 16;
  return rules;
}

TEST_CASE("a file that only its owner may read is read", "[security]") {
  const TempDirectory directory;
  const unsigned mode = GENERATE(0600u, 0400u);
  PutFile(directory.File("secret"), "xyz", mode);
  REQUIRE(ReadSecretFile(directory.File("secret"), OwnerOnly()).value() == "xyz");
}

TEST_CASE("one right for anybody else is too many, and the message says what to do", "[security]") {
  const TempDirectory directory;
  const unsigned mode = GENERATE(0640u, 0604u, 0620u, 0602u, 0610u, 0601u, 0644u, 0777u);
  PutFile(directory.File("secret"), "xyz", mode);
  const Result<std::string> read = ReadSecretFile(directory.File("secret"), OwnerOnly());
  REQUIRE(read.error().code == ErrorCode::kPermissionDenied);
  REQUIRE(read.error().message.find("chmod 0600 " + directory.File("secret")) != std::string::npos);
  REQUIRE(read.error().message.find("xyz") == std::string::npos);
}

TEST_CASE("what the service manager hands out is taken as it is", "[security]") {
  const TempDirectory directory;
  PutFile(directory.File("secret"), "xyz", 0440);
  SecretFileRules rules = OwnerOnly();
  rules.credentials_folder = directory.path();
  REQUIRE(ReadSecretFile(directory.File("secret"), rules).has_value());
  rules.credentials_folder = directory.path() + "/secret-elsewhere";
  REQUIRE_FALSE(ReadSecretFile(directory.File("secret"), rules).has_value());
  ::mkdir(directory.File("credentials").c_str(), 0700);
  rules.credentials_folder = directory.File("credentials");
  REQUIRE_FALSE(ReadSecretFile(directory.File("credentials/../secret"), rules).has_value());
}

TEST_CASE("what is missing, too large or no file is refused by its name", "[security]") {
  const TempDirectory directory;
  const Result<std::string> missing = ReadSecretFile(directory.File("none"), OwnerOnly());
  REQUIRE(missing.error().code == ErrorCode::kNotFound);
  REQUIRE(missing.error().message.find(directory.File("none")) == 0);
  PutFile(directory.File("large"), std::string(17, 'x'));
  REQUIRE(ReadSecretFile(directory.File("large"), OwnerOnly()).error().code ==
          ErrorCode::kResourceExhausted);
  PutFile(directory.File("fits"), std::string(16, 'x'));
  REQUIRE(ReadSecretFile(directory.File("fits"), OwnerOnly()).has_value());
  REQUIRE(ReadSecretFile(directory.path(), OwnerOnly()).error().code == ErrorCode::kIo);
}

TEST_CASE("the folder of credentials is the environment's", "[security]") {
  ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
  REQUIRE(CredentialsFolder() == "/run/credentials/x");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  REQUIRE(CredentialsFolder().empty());
}

}  // namespace
}  // namespace ficus
