// The certificate of a listener, its key and the authority its clients are checked against, as PEM
// that was looked at before a handshake depends on it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace ficus {

struct CertificateFiles {
  std::string cert;       // the listener's certificate, then those that lead to its authority
  std::string key;        // its private key, without a passphrase
  std::string client_ca;  // empty: clients need no certificate

  friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

struct Certificates {
  std::string chain_pem;
  std::string key_pem;
  std::string client_ca_pem;       // empty: clients need no certificate
  std::string subject;             // of the listener's certificate, for the log
  int64_t not_before_seconds = 0;  // Unix time
  int64_t not_after_seconds = 0;

  bool SameAs(const Certificates& other) const {
    return chain_pem == other.chain_pem && key_pem == other.key_pem &&
           client_ca_pem == other.client_ca_pem;
  }
};

// Reads the files and checks that they hold what they should and fit together; whether the
// certificate is of today is left to the caller. kInvalidArgument, kNotFound, kIo or
// kResourceExhausted names the file; no byte of a key is ever in a message. Any thread; blocks.
Result<Certificates> ReadCertificates(const CertificateFiles& files);

}  // namespace ficus
