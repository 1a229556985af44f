// Certificates made on the spot: no key lies in the tree, and none is ever out of date.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ficus {

struct IssuedCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

struct CertificateWish {
  std::string name = "localhost";  // common name
  // As OpenSSL writes them.
  std::vector<std::string> alternative_names = {"DNS:localhost", "IP:127.0.0.1"};
  int64_t begins_in_seconds = -3600;
  int64_t ends_in_seconds = 3600;
};

// Signs certificates with a key of its own. Throws when the library refuses.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& pem() const { return pem_; }
  IssuedCertificate Issue(const CertificateWish& wish = {});

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::string pem_;
};

// Replaces a file at once, with this mode.
void PutFile(const std::string& path, const std::string& bytes, unsigned mode = 0600);

}  // namespace ficus
