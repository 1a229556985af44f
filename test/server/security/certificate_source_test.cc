#include "server/security/certificate_source.h"

#include <ctime>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

struct Sample {
  TempDirectory directory;
  LogCapture log;
  MetricRegistry metrics;
  ManualClock clock{std::time(nullptr) * kNanosPerSecond};
  TestAuthority authority{"authority"};
  CertificateFiles files{directory.File("cert.pem"), directory.File("key.pem"), ""};

  IssuedCertificate Write(const CertificateWish& wish = {}) {
    const IssuedCertificate issued = authority.Issue(wish);
    PutFile(files.cert, issued.certificate_pem);
    PutFile(files.key, issued.key_pem);
    return issued;
  }
  std::unique_ptr<CertificateSource> Open() {
    return std::make_unique<CertificateSource>("grpc", files, ReadCertificates(files).value(),
                                               clock, metrics);
  }
  double Gauge(const std::string& name) {
    return metrics.AddGauge(name, "", {{"listener", "grpc"}}).value();
  }
  uint64_t Failures() {
    return metrics.AddCounter("ficus_tls_reload_failures_total", "", {{"listener", "grpc"}})
        .value();
  }
};

TEST_CASE("new files take the place of the old", "[security][tls]") {
  Sample sample;
  sample.Write();
  const auto source = sample.Open();
  const auto first = source->Current();
  REQUIRE(sample.Gauge("ficus_tls_certificate_not_after_seconds") ==
          static_cast<double>(first->not_after_seconds));

  REQUIRE(source->Refresh().has_value());
  REQUIRE(source->Current() == first);  // nothing is new

  CertificateWish later;
  later.ends_in_seconds = 7200;
  const IssuedCertificate second = sample.Write(later);
  REQUIRE(source->Refresh().has_value());
  REQUIRE(source->Current()->chain_pem == second.certificate_pem);
  REQUIRE(sample.Gauge("ficus_tls_certificate_not_after_seconds") ==
          static_cast<double>(source->Current()->not_after_seconds));
  REQUIRE(source->Current()->not_after_seconds > first->not_after_seconds);
  REQUIRE(sample.log.Count("tls.certificate") == 2);
}

TEST_CASE("files that do not fit together leave the old certificate in use", "[security][tls]") {
  Sample sample;
  sample.Write();
  const auto source = sample.Open();
  const auto first = source->Current();
  // Half of a replacement: the certificate is new, the key still the old one.
  const IssuedCertificate second = sample.authority.Issue();
  PutFile(sample.files.cert, second.certificate_pem);
  REQUIRE_FALSE(source->Refresh().has_value());
  REQUIRE_FALSE(source->Refresh().has_value());
  REQUIRE(source->Current() == first);
  REQUIRE(sample.Gauge("ficus_tls_last_reload_success") == 0);
  REQUIRE(sample.Failures() == 2);
  REQUIRE(sample.log.Count("tls.reload_failed") == 1);  // the same problem is told once

  PutFile(sample.files.key, second.key_pem);
  REQUIRE(source->Refresh().has_value());
  REQUIRE(source->Current()->key_pem == second.key_pem);
  REQUIRE(sample.Gauge("ficus_tls_last_reload_success") == 1);
}

TEST_CASE("a certificate that is not of today is used, and the log warns", "[security][tls]") {
  Sample sample;
  CertificateWish wish;
  SECTION("it has ended") {
    wish.begins_in_seconds = -7200;
    wish.ends_in_seconds = -3600;
  }
  SECTION("it begins later") { wish.begins_in_seconds = 1800; }
  sample.Write(wish);
  const auto source = sample.Open();
  REQUIRE(sample.log.Count("tls.certificate_not_valid_now") == 1);
}

TEST_CASE("other files can be named", "[security][tls]") {
  Sample sample;
  sample.Write();
  const auto source = sample.Open();
  sample.files = {sample.directory.File("cert2.pem"), sample.directory.File("key2.pem"), ""};
  const IssuedCertificate second = sample.Write();
  source->Replace(sample.files, ReadCertificates(sample.files).value());
  REQUIRE(source->Current()->chain_pem == second.certificate_pem);
  REQUIRE(source->Refresh().has_value());
  REQUIRE(source->Current()->chain_pem == second.certificate_pem);
}

}  // namespace
}  // namespace ficus
