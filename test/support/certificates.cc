#include "test/support/certificates.h"

#include <cstdio>
#include <stdexcept>
#include <sys/stat.h>

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace ficus {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void Require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

Owned<EVP_PKEY> NewKey() {
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  Require(key != nullptr, "no key");
  return key;
}

template <typename Write>
std::string PemBy(const Write& write) {
  const Owned<BIO> text(BIO_new(BIO_s_mem()));
  Require(write(text.get()) == 1, "no PEM");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  return PemBy([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string PemOf(EVP_PKEY* key) {
  return PemBy([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void Extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  Require(extension != nullptr, "no extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Owned<X509> NewCertificate(const CertificateWish& wish, EVP_PKEY* key) {
  static long serial = 1;
  Owned<X509> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.begins_in_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.ends_in_seconds);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

}  // namespace

struct TestAuthority::Parts {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
};

TestAuthority::TestAuthority(const std::string& name) : parts_(std::make_unique<Parts>()) {
  parts_->key = NewKey();
  CertificateWish wish;
  wish.name = name;
  parts_->certificate = NewCertificate(wish, parts_->key.get());
  X509* const certificate = parts_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  Extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  Require(X509_sign(certificate, parts_->key.get(), EVP_sha256()) > 0, "not signed");
  pem_ = PemOf(certificate);
}

TestAuthority::~TestAuthority() = default;

IssuedCertificate TestAuthority::Issue(const CertificateWish& wish) {
  const Owned<EVP_PKEY> key = NewKey();
  const Owned<X509> certificate = NewCertificate(wish, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(parts_->certificate.get()));
  std::string names;
  for (const std::string& name : wish.alternative_names) {
    names += (names.empty() ? "" : ",") + name;
  }
  Extend(certificate.get(), parts_->certificate.get(), NID_subject_alt_name, names);
  Require(X509_sign(certificate.get(), parts_->key.get(), EVP_sha256()) > 0, "not signed");
  return {PemOf(certificate.get()), PemOf(key.get())};
}

void PutFile(const std::string& path, const std::string& bytes, unsigned mode) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Require(file >= 0, "not created");
  const ssize_t written = ::write(file, bytes.data(), bytes.size());
  ::fchmod(file, mode);
  ::close(file);
  Require(written == static_cast<ssize_t>(bytes.size()), "not written");
  Require(std::rename(temporary.c_str(), path.c_str()) == 0, "not renamed");
}

}  // namespace ficus
