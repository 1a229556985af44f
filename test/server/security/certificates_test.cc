#include "server/security/certificates.h"

#include <ctime>

#include <catch2/catch.hpp>

#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// A folder with a certificate that fits.
struct Folder {
  TempDirectory directory;
  TestAuthority authority{"authority"};
  IssuedCertificate issued = authority.Issue();
  CertificateFiles files{directory.File("cert.pem"), directory.File("key.pem"), ""};

  Folder() {
    PutFile(files.cert, issued.certificate_pem);
    PutFile(files.key, issued.key_pem);
  }
  std::string Complaint() {
    const Result<Certificates> read = ReadCertificates(files);
    REQUIRE_FALSE(read.has_value());
    // A key is never repeated, whatever is wrong.
    REQUIRE(read.error().message.find("PRIVATE") == std::string::npos);
    REQUIRE(read.error().message.find(issued.key_pem.substr(40, 20)) == std::string::npos);
    return read.error().message;
  }
};

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("a certificate and its key are read, with subject and end", "[security][tls]") {
  Folder folder;
  const Result<Certificates> read = ReadCertificates(folder.files);
  REQUIRE(read.has_value());
  REQUIRE(read->chain_pem == folder.issued.certificate_pem);
  REQUIRE(read->key_pem == folder.issued.key_pem);
  REQUIRE(read->client_ca_pem.empty());
  REQUIRE(Has(read->subject, "localhost"));
  REQUIRE(read->not_after_seconds > std::time(nullptr) + 3000);
  REQUIRE(read->not_before_seconds < std::time(nullptr));
}

TEST_CASE("the certificates of a chain and of an authority are checked", "[security][tls]") {
  Folder folder;
  folder.files.client_ca = folder.directory.File("ca.pem");
  PutFile(folder.files.cert, folder.issued.certificate_pem + folder.authority.pem());
  PutFile(folder.files.client_ca, folder.authority.pem() + TestAuthority("other").pem());
  REQUIRE(ReadCertificates(folder.files).has_value());

  SECTION("a chain whose second certificate is damaged") {
    std::string damaged = folder.authority.pem();
    damaged[damaged.size() / 2] = '!';
    PutFile(folder.files.cert, folder.issued.certificate_pem + damaged);
    REQUIRE(Has(folder.Complaint(), "cert.pem: holds a certificate that cannot be read"));
  }
  SECTION("an authority that is none") {
    PutFile(folder.files.client_ca, "nothing");
    REQUIRE(Has(folder.Complaint(), "ca.pem: holds no certificate"));
  }
  SECTION("an authority that is missing") {
    folder.files.client_ca = folder.directory.File("none.pem");
    REQUIRE(Has(folder.Complaint(), "none.pem: No such file"));
  }
}

TEST_CASE("a pair that cannot be used is refused by its file", "[security][tls]") {
  Folder folder;
  SECTION("the key of another certificate") {
    PutFile(folder.files.key, folder.authority.Issue().key_pem);
    REQUIRE(Has(folder.Complaint(), "key.pem: is not the key of the certificate in"));
  }
  SECTION("a key that is cut short") {
    PutFile(folder.files.key, folder.issued.key_pem.substr(0, folder.issued.key_pem.size() / 2));
    REQUIRE(Has(folder.Complaint(), "key.pem: holds no private key"));
  }
  SECTION("a certificate that is cut short") {
    PutFile(folder.files.cert, folder.issued.certificate_pem.substr(0, 200));
    REQUIRE(Has(folder.Complaint(), "cert.pem: holds no certificate"));
  }
  SECTION("an empty file") {
    PutFile(folder.files.cert, "");
    REQUIRE(Has(folder.Complaint(), "cert.pem: holds no certificate"));
  }
  SECTION("the files the wrong way round") {
    std::swap(folder.files.cert, folder.files.key);
    REQUIRE(Has(folder.Complaint(), "key.pem: holds no certificate"));
  }
  SECTION("a file that is missing") {
    folder.files.key = folder.directory.File("none.pem");
    REQUIRE(Has(folder.Complaint(), "none.pem: No such file"));
  }
}

}  // namespace
}  // namespace ficus
