// A node as it stands on a network: TLS, certificates of clients, users; and all of it replaced
// while clients write.
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <signal.h>

#include "test/node/node.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr int kExitNotAllowed = 8;
constexpr int kExitUnreachable = 7;
constexpr int kExitConfig = 78;

bool Says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

// Folder, certificates, users and a node that wants all of them.
struct SecuredNode {
  const TempDirectory directory;
  TestAuthority authority{"authority"};
  TestAuthority client_authority{"client authority"};
  Node node{directory.path(), {"storage: {path: \"" + directory.File("data") + "\"}"}};

  SecuredNode() {
    std::filesystem::create_directory(directory.File("conf.d"));
    PutServerCertificate(authority.Issue());
    PutFile(directory.File("authority.pem"), authority.pem());
    PutFile(directory.File("clients.pem"), client_authority.pem());
    const IssuedCertificate client = client_authority.Issue();
    PutFile(directory.File("client.pem"), client.certificate_pem);
    PutFile(directory.File("client-key.pem"), client.key_pem);
    PutUsers("canary-one");
    PutFile(directory.File("password"), "canary-one\n");
    PutFile(directory.File("conf.d/tls.yaml"), "grpc: {tls: {cert: " + directory.File("cert.pem") +
                                                   ", key: " + directory.File("key.pem") +
                                                   ", client_ca: " + directory.File("clients.pem") +
                                                   ", reload: 100ms}}\n");
    PutFile(directory.File("conf.d/users.yaml"),
            "auth: {users_file: " + directory.File("users.yaml") + ", reload: 100ms}\n");
  }
  void PutServerCertificate(const IssuedCertificate& issued) {
    PutFile(directory.File("key.pem"), issued.key_pem);
    PutFile(directory.File("cert.pem"), issued.certificate_pem);
  }
  // `oap` with a password, whose hash ficusctl makes.
  void PutUsers(const std::string& password) {
    PutFile(directory.File("plain"), password + "\n");
    const std::string hash = directory.File("hash");
    std::filesystem::remove(hash);
    ChildProcess process(
        {"/bin/sh", "-c", std::string(FICUSCTL_PATH) + " auth hash < " + directory.File("plain")},
        hash);
    REQUIRE(process.Wait(std::chrono::seconds(60)) == 0);
    PutFile(directory.File("users.yaml"),
            "users:\n  - username: oap\n    password_hash: " + ReadFile(hash));
  }
  std::vector<std::string> WithEverything(std::vector<std::string> arguments) const {
    for (const std::string& argument : std::vector<std::string>{
             "--tls-ca", directory.File("authority.pem"), "--tls-cert",
             directory.File("client.pem"), "--tls-key", directory.File("client-key.pem"),
             "--tls-server-name", "localhost", "-u", "oap", "--password-file",
             directory.File("password")}) {
      arguments.push_back(argument);
    }
    return arguments;
  }
  // Runs ficusctl to its end; its exit code. What it said is in `said`.
  int Ctl(std::vector<std::string> arguments) {
    const std::string output = directory.File("ctl.out");
    std::filesystem::remove(output);
    arguments.insert(arguments.begin(), FICUSCTL_PATH);
    arguments.insert(arguments.end(), {"--addr", node.address(), "--timeout", "30s"});
    ChildProcess process(arguments, output);
    const int code = process.Wait(std::chrono::seconds(60)).value_or(-1);
    said = ReadFile(output);
    return code;
  }
  int CtlWithEverything(std::vector<std::string> arguments) {
    return Ctl(WithEverything(std::move(arguments)));
  }
  // Every place where a password could have come out.
  void RequireNoSecretIsTold() {
    for (const std::string& text :
         {node.log(), node.MetricsText(), said, ReadFile(directory.File("ficusd.out"))}) {
      REQUIRE_FALSE(Says(text, "canary"));
      REQUIRE_FALSE(Says(text, "$y$"));
      REQUIRE_FALSE(Says(text, "PRIVATE KEY"));
    }
    ChildProcess show({FICUSD_PATH, "show-config", "--config", node.config_file()},
                      directory.File("show.out"));
    REQUIRE(show.Wait(std::chrono::seconds(60)) == 0);
    REQUIRE(Says(ReadFile(directory.File("show.out")), "users_file"));
    REQUIRE_FALSE(Says(ReadFile(directory.File("show.out")), "canary"));
  }

  std::string said;
};

TEST_CASE("a secured node serves who has a certificate and a password, and nobody else",
          "[e2e][security]") {
  SecuredNode secured;
  REQUIRE(secured.node.Start());
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == 0);
  REQUIRE(secured.Ctl({"table", "flush"}) == kExitUnreachable);
  const std::string& ca = secured.directory.File("authority.pem");
  REQUIRE(secured.Ctl({"table", "flush", "--tls-ca", ca, "--tls-server-name", "localhost"}) ==
          kExitUnreachable);
  const std::vector<std::string> without_password = {"table",
                                                     "flush",
                                                     "--tls-ca",
                                                     ca,
                                                     "--tls-server-name",
                                                     "localhost",
                                                     "--tls-cert",
                                                     secured.directory.File("client.pem"),
                                                     "--tls-key",
                                                     secured.directory.File("client-key.pem")};
  REQUIRE(secured.Ctl(without_password) == kExitNotAllowed);
  REQUIRE(Says(secured.said, "Invalid credentials"));
  PutFile(secured.directory.File("password"), "canary-wrong");
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == kExitNotAllowed);
  REQUIRE(secured.node.Metric("ficus_auth_failures_total") == 2);
  REQUIRE(Says(secured.node.Health(), "SERVING"));
  secured.RequireNoSecretIsTold();
  REQUIRE(secured.node.Stop() == 0);
}

TEST_CASE("certificate and users are replaced under load, and a broken replacement is not taken",
          "[e2e][security]") {
  SecuredNode secured;
  const std::string output = secured.directory.File("load.out");
  const std::string journal = secured.directory.File("journal");
  REQUIRE(secured.node.Start());
  const auto last_success = [&] {
    return secured.node.Metric("ficus_tls_last_reload_success", {"listener=\"grpc\""});
  };
  const auto load =
      StartLoadClient(secured.WithEverything({"run", "--address", secured.node.address(),
                                              "--journal", journal, "--series", "100", "--rate",
                                              "2000", "--points", "60000", "--report", "0"}),
                      output);
  REQUIRE(WaitUntil([&] { return ReadFile(journal).size() > 2000 || !load->Running(); }));

  // Half of a replacement is not taken.
  CertificateWish longer;
  longer.ends_in_seconds = 7200;
  const IssuedCertificate next = secured.authority.Issue(longer);
  const double before = secured.node.Metric("ficus_tls_certificate_not_after_seconds");
  PutFile(secured.directory.File("cert.pem"), next.certificate_pem);
  REQUIRE(WaitUntil([&] { return last_success() == 0; }));
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == 0);
  PutFile(secured.directory.File("key.pem"), next.key_pem);
  REQUIRE(WaitUntil([&] { return last_success() == 1; }));
  REQUIRE(secured.node.Metric("ficus_tls_certificate_not_after_seconds") > before + 3000);
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == 0);

  // A broken file of users is not taken, a good one is.
  PutFile(secured.directory.File("users.yaml"), "users: [");
  REQUIRE(WaitUntil([&] { return secured.node.Metric("ficus_auth_last_reload_success") == 0; }));
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == 0);
  secured.PutUsers("canary-two");
  REQUIRE(WaitUntil([&] { return secured.node.Metric("ficus_auth_last_reload_success") == 1; }));
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == kExitNotAllowed);
  PutFile(secured.directory.File("password"), "canary-two");
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == 0);

  INFO(ReadFile(output));
  REQUIRE(load->Wait(std::chrono::seconds(120)) == 0);
  REQUIRE(RunLoadClient(secured.WithEverything(
                            {"verify", "--address", secured.node.address(), "--journal", journal}),
                        output) == 0);
  secured.RequireNoSecretIsTold();
  REQUIRE(secured.node.Stop() == 0);
}

TEST_CASE("a running node takes over a changed configuration, whole or not at all",
          "[e2e][security]") {
  SecuredNode secured;
  REQUIRE(secured.node.Start());
  REQUIRE(secured.node.Metric("ficus_config_last_reload_success") == 1);
  const std::string more = secured.directory.File("conf.d/zz-more.yaml");

  PutFile(more, "log: {level: debug}\nquery: {timeout: 5s}\nstorage: {merge: {threads: 1}}\n");
  secured.node.process().Signal(SIGHUP);
  REQUIRE(WaitUntil([&] { return Says(secured.node.log(), "config.reloaded"); }));
  REQUIRE(Says(secured.node.log(),
               "taken over: query.timeout, log.level; from the next start on: "
               "storage.merge.threads"));

  // One mistake, and nothing of the file counts.
  PutFile(more, "log: {level: warn}\nquery: {timeout: soon}\n");
  REQUIRE(secured.CtlWithEverything({"config", "reload"}) == kExitConfig);
  REQUIRE(Says(secured.said, "nothing was taken over: "));
  REQUIRE(Says(secured.said, "more.yaml:2:18: query.timeout"));
  REQUIRE(secured.node.Metric("ficus_config_last_reload_success") == 0);

  PutFile(more, "log: {level: warn}\n");
  REQUIRE(secured.CtlWithEverything({"config", "reload"}) == 0);
  REQUIRE(Says(secured.said, "taken over:\n  query.timeout\n  log.level\n"));
  REQUIRE(secured.node.Metric("ficus_config_last_reload_success") == 1);

  // Files with other names.
  const IssuedCertificate next = secured.authority.Issue();
  PutFile(secured.directory.File("cert2.pem"), next.certificate_pem);
  PutFile(secured.directory.File("key2.pem"), next.key_pem);
  PutFile(more, "grpc: {tls: {cert: " + secured.directory.File("cert2.pem") +
                    ", key: " + secured.directory.File("key.pem") + "}}\n");
  REQUIRE(secured.CtlWithEverything({"config", "reload"}) == kExitConfig);
  REQUIRE(Says(secured.said, "is not the key of the certificate"));
  PutFile(more, "grpc: {tls: {cert: " + secured.directory.File("cert2.pem") +
                    ", key: " + secured.directory.File("key2.pem") + "}}\n");
  REQUIRE(secured.CtlWithEverything({"config", "reload"}) == 0);
  REQUIRE(secured.CtlWithEverything({"table", "flush"}) == 0);
  secured.RequireNoSecretIsTold();
  REQUIRE(secured.node.Stop() == 0);
}

TEST_CASE("a node does not start with a protection that cannot be", "[e2e][security]") {
  SecuredNode secured;
  std::string expected;
  SECTION("the key of another certificate") {
    PutFile(secured.directory.File("key.pem"), secured.authority.Issue().key_pem);
    expected = "key.pem: is not the key of the certificate in";
  }
  SECTION("a certificate that is missing") {
    std::filesystem::remove(secured.directory.File("cert.pem"));
    expected = "cert.pem: No such file";
  }
  SECTION("users that others may read") {
    std::filesystem::permissions(secured.directory.File("users.yaml"),
                                 std::filesystem::perms(0644));
    expected = "users.yaml: has mode 0644";
  }
  SECTION("passwords in plain text on a network") {
    PutFile(secured.directory.File("conf.d/zz.yaml"), "http: {listen: \"0.0.0.0:0\"}\n");
    expected = "passwords would cross the network in plain text at http.listen";
  }
  REQUIRE_FALSE(secured.node.Start());
  REQUIRE(secured.node.process().Wait(std::chrono::seconds(60)) == kExitConfig);
  REQUIRE(Says(ReadFile(secured.directory.File("ficusd.out")), expected));
  REQUIRE_FALSE(Says(ReadFile(secured.directory.File("ficusd.out")), "canary"));
}

}  // namespace
}  // namespace ficus
