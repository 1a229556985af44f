#include "server/security/certificate_source.h"

#include <utility>

#include "engine/base/log.h"

namespace ficus {

CertificateSource::CertificateSource(std::string listener, CertificateFiles files,
                                     Certificates certificates, const Clock& clock,
                                     MetricRegistry& registry)
    : listener_(std::move(listener)),
      clock_(clock),
      not_after_(registry.AddGauge("ficus_tls_certificate_not_after_seconds",
                                   "Unix time at which the certificate in use ends.",
                                   {{"listener", listener_}})),
      last_success_(registry.AddGauge("ficus_tls_last_reload_success",
                                      "0 while the files of a certificate cannot be used and an "
                                      "older one stays in use.",
                                      {{"listener", listener_}})),
      failures_(registry.AddCounter("ficus_tls_reload_failures_total",
                                    "Times the files of a certificate could not be used.",
                                    {{"listener", listener_}})) {
  Replace(std::move(files), std::move(certificates));
}

std::shared_ptr<const Certificates> CertificateSource::Current() const {
  MutexLock lock(mutex_);
  return current_;
}

Result<> CertificateSource::Refresh() {
  CertificateFiles files;
  {
    MutexLock lock(mutex_);
    files = files_;
  }
  Result<Certificates> read = ReadCertificates(files);
  MutexLock lock(mutex_);
  if (!(files_ == files)) return Ok();  // replaced meanwhile
  if (read.has_value()) {
    problem_.clear();
    last_success_.Set(1);
    if (!current_->SameAs(*read)) Publish(*std::move(read));
    return Ok();
  }
  last_success_.Set(0);
  failures_.Add();
  if (problem_ != read.error().message) {
    problem_ = read.error().message;
    LogError("tls.reload_failed", "{}: {}; the certificate before stays in use", listener_,
             problem_);
  }
  return read.error();
}

void CertificateSource::Replace(CertificateFiles files, Certificates certificates) {
  MutexLock lock(mutex_);
  files_ = std::move(files);
  problem_.clear();
  last_success_.Set(1);
  Publish(std::move(certificates));
}

void CertificateSource::Publish(Certificates certificates) {
  const int64_t now = clock_.Now() / kNanosPerSecond;
  if (now >= certificates.not_after_seconds || now < certificates.not_before_seconds) {
    LogWarn("tls.certificate_not_valid_now",
            "{}: the certificate of {} is not of today: clients will refuse it", listener_,
            certificates.subject);
  }
  LogInfo("tls.certificate", "{}: {}, for {} more days{}", listener_, certificates.subject,
          (certificates.not_after_seconds - now) / 86'400,
          certificates.client_ca_pem.empty() ? "" : "; clients need a certificate, too");
  not_after_.Set(static_cast<double>(certificates.not_after_seconds));
  current_ = std::make_shared<const Certificates>(std::move(certificates));
}

}  // namespace ficus
