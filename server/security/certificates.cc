#include "server/security/certificates.h"

#include <ctime>
#include <memory>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "server/security/secret_file.h"

namespace ficus {
namespace {

constexpr size_t kPemBytesMax = 1 << 20;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// What the library says about its last failure, and forgets it.
std::string LibraryReason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

Error Wrong(const std::string& file, const std::string& what) {
  return {ErrorCode::kInvalidArgument, file + ": " + what};
}

Owned<BIO> Open(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Otherwise the library asks the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

Owned<X509> NextCertificate(BIO* pem) {
  return Owned<X509>(PEM_read_bio_X509(pem, nullptr, NoPassphrase, nullptr));
}

// Whether a failed read means that there is nothing more, and no damage.
bool AtEnd() {
  const unsigned long code = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return end;
}

// All certificates of a file, each checked; the first one is returned.
Result<Owned<X509>> FirstOf(const std::string& pem, const std::string& file) {
  const Owned<BIO> text = Open(pem);
  Owned<X509> first = NextCertificate(text.get());
  if (first == nullptr) {
    ERR_clear_error();
    return Wrong(file, "holds no certificate in PEM format");
  }
  while (NextCertificate(text.get()) != nullptr) {
  }
  if (!AtEnd()) return Wrong(file, "holds a certificate that cannot be read");
  return first;
}

Result<Owned<EVP_PKEY>> KeyOf(const std::string& pem, const std::string& file) {
  const Owned<BIO> text = Open(pem);
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(text.get(), nullptr, NoPassphrase, nullptr));
  if (key != nullptr) return key;
  ERR_clear_error();
  return Wrong(file, "holds no private key in PEM format without a passphrase");
}

// As a listener will do it, so that a key that is too small is found here and not by a client.
Result<> CheckPair(X509* certificate, EVP_PKEY* key, const CertificateFiles& files) {
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return Wrong(files.cert, LibraryReason());
  if (SSL_CTX_use_certificate(context.get(), certificate) != 1) {
    return Wrong(files.cert, "cannot be used: " + LibraryReason());
  }
  if (X509_check_private_key(certificate, key) != 1) {
    ERR_clear_error();
    return Wrong(files.key, "is not the key of the certificate in " + files.cert);
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key) != 1) {
    return Wrong(files.key, "cannot be used: " + LibraryReason());
  }
  return Ok();
}

int64_t SecondsOf(const ASN1_TIME* time) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return 0;
  return ::timegm(&utc);
}

std::string SubjectOf(X509* certificate) {
  const Owned<BIO> text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

}  // namespace

Result<Certificates> ReadCertificates(const CertificateFiles& files) {
  SecretFileRules rules;
  rules.bytes_max = kPemBytesMax;
  Certificates read;
  ASSIGN_OR_RETURN(read.chain_pem, ReadSecretFile(files.cert, rules));
  ASSIGN_OR_RETURN(read.key_pem, ReadSecretFile(files.key, rules));
  ASSIGN_OR_RETURN(const Owned<X509> certificate, FirstOf(read.chain_pem, files.cert));
  ASSIGN_OR_RETURN(const Owned<EVP_PKEY> key, KeyOf(read.key_pem, files.key));
  RETURN_IF_ERROR(CheckPair(certificate.get(), key.get(), files));
  if (!files.client_ca.empty()) {
    ASSIGN_OR_RETURN(read.client_ca_pem, ReadSecretFile(files.client_ca, rules));
    RETURN_IF_ERROR(FirstOf(read.client_ca_pem, files.client_ca));
  }
  read.subject = SubjectOf(certificate.get());
  read.not_before_seconds = SecondsOf(X509_get0_notBefore(certificate.get()));
  read.not_after_seconds = SecondsOf(X509_get0_notAfter(certificate.get()));
  return read;
}

}  // namespace ficus
