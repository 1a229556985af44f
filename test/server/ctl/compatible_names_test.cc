#include "server/ctl/compatible_names.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using Words = std::vector<std::string>;

Words Translated(const std::string& program, const Words& arguments) {
  const Result<TranslatedCommand> translated = TranslateCommand(program, arguments);
  INFO((translated.has_value() ? std::string() : translated.error().message));
  REQUIRE(translated.has_value());
  return translated->arguments;
}

std::string Refusal(const std::string& program, const Words& arguments) {
  const Result<TranslatedCommand> translated = TranslateCommand(program, arguments);
  REQUIRE_FALSE(translated.has_value());
  REQUIRE(translated.error().code == ErrorCode::kInvalidArgument);
  return translated.error().message;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("two names are BanyanDB's, wherever the program lies", "[ctl][compatible]") {
  REQUIRE(IsCompatibleName("backup"));
  REQUIRE(IsCompatibleName("/usr/bin/restore"));
  REQUIRE_FALSE(IsCompatibleName("ficusctl"));
  REQUIRE_FALSE(IsCompatibleName("/opt/backup/ficusctl"));
}

TEST_CASE("backup with BanyanDB's flags is ficusctl backup run", "[ctl][compatible]") {
  const Words expected = {"backup",          "run",          "--addr", "node:17912", "--dest",
                          "file:///backups", "--time-style", "hourly"};
  REQUIRE(Translated("backup", {"--grpc-addr", "node:17912", "--dest", "file:///backups",
                                "--time-style", "hourly"}) == expected);
  REQUIRE(Translated("/usr/bin/backup", {"run", "--grpc-addr=node:17912", "--dest=file:///backups",
                                         "--time-style=hourly"}) == expected);
  REQUIRE(Translated("backup", {"--dest", "s3:///b", "--schedule", "@daily", "--dry-run"}) ==
          Words{"backup", "run", "--dest", "s3:///b", "--schedule", "@daily", "--dry-run"});
  // Go's tools take a value behind a flag of yes or no.
  const Words secured = {"backup", "run", "--dest", "s3:///b", "--tls", "--tls-ca", "ca.pem"};
  REQUIRE(Translated("backup", {"--dest", "s3:///b", "--enable-tls=true", "--cert", "ca.pem"}) ==
          secured);
  REQUIRE(Translated("backup", {"--dest", "s3:///b", "--enable-tls=false"}) ==
          Words{"backup", "run", "--dest", "s3:///b"});
  REQUIRE(Translated("backup", {"--help"}) == Words{"backup", "run", "--help"});
}

TEST_CASE("flags that decide nothing here are taken with a warning", "[ctl][compatible]") {
  const auto translated =
      TranslateCommand("backup", {"--dest", "file:///b", "--stream-root-path", "/data",
                                  "--upload-concurrency=4", "--logging-level", "debug"});
  REQUIRE(translated.has_value());
  REQUIRE(translated->arguments == Words{"backup", "run", "--dest", "file:///b"});
  REQUIRE(translated->warnings.size() == 3);
  REQUIRE(translated->warnings[0] ==
          "--stream-root-path decides nothing here: the node knows its own folders");
}

TEST_CASE("flags that would change the result are refused and say where it is said here",
          "[ctl][compatible]") {
  REQUIRE(Has(Refusal("backup", {"--dest", "s3:///b", "--s3-credential-file", "x"}),
              "below `remotes` in the node's configuration"));
  REQUIRE(Has(Refusal("backup", {"--dest", "s3:///b", "--insecure"}), "--cert"));
  REQUIRE(Has(Refusal("restore", {"run", "--source", "s3:///b", "--azure-sas-token=t"}),
              "takes no --azure-sas-token"));
}

TEST_CASE("an unknown flag is refused with the names of those that are known",
          "[ctl][compatible]") {
  const std::string text = Refusal("backup", {"--dest", "file:///b", "--colour"});
  REQUIRE(Has(text, "backup has no --colour. Known here: --dest --grpc-addr --time-style"));
  REQUIRE_FALSE(Has(text, "--s3-profile"));
  REQUIRE(Has(Refusal("restore", {"timedir", "read", "--source", "x"}),
              "restore timedir read has no --source"));
  REQUIRE(Has(Refusal("backup", {"--dest"}), "--dest needs a value"));
  REQUIRE(Has(Refusal("backup", {"--time-style", "daily"}), "needs --dest"));
  REQUIRE(Has(Refusal("backup", {}), "needs --dest"));
}

TEST_CASE("restore run has one root, which every catalog's flag names", "[ctl][compatible]") {
  REQUIRE(Translated("restore", {"run", "--source", "file:///b", "--stream-root-path", "/data",
                                 "--measure-root-path=/data", "--property-root-path", "/data"}) ==
          Words{"restore", "run", "--source", "file:///b", "--root", "/data"});
  REQUIRE(Translated("restore", {"run", "2025-02-12", "--source", "file:///b", "--catalog",
                                 "stream", "--yes", "--root", "/data"}) ==
          Words{"restore", "run", "2025-02-12", "--source", "file:///b", "--catalog", "stream",
                "--yes", "--root", "/data"});
  REQUIRE(Has(Refusal("restore", {"run", "--stream-root-path", "/a", "--measure-root-path", "/b"}),
              "one root, its storage.path"));
}

TEST_CASE("restore timedir is ficusctl timedir", "[ctl][compatible]") {
  REQUIRE(Translated("restore", {"timedir", "list", "--dest", "file:///b"}) ==
          Words{"timedir", "list", "--dest", "file:///b"});
  REQUIRE(Translated("restore", {"timedir", "create", "2025-02-12", "--stream-root", "/data",
                                 "--catalog", "stream"}) ==
          Words{"timedir", "create", "2025-02-12", "--catalog", "stream", "--root", "/data"});
  for (const Words& words : {Words{}, Words{"timedir"}, Words{"timedir", "sing"}, Words{"fly"}}) {
    REQUIRE(Has(Refusal("restore", words), "run or by timedir list|create|read|delete"));
  }
}

}  // namespace
}  // namespace ficus
