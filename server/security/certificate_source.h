// The certificates that a listener shows at present, read again when their files change.
#pragma once

#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "server/security/certificates.h"

namespace ficus {

// Connections keep what they began with; the next handshake takes what is current then.
//
// Files that cannot be read or do not fit together (half of a replacement, say) change nothing: the
// certificates before stay in use, one log line per problem and the metrics tell. All members: any
// thread; Refresh blocks on the disk.
class CertificateSource {
 public:
  // `listener` is the label of ficus_tls_certificate_not_after_seconds,
  // ficus_tls_last_reload_success and ficus_tls_reload_failures_total. `clock` and `registry`
  // outlive the source.
  CertificateSource(std::string listener, CertificateFiles files, Certificates certificates,
                    const Clock& clock, MetricRegistry& registry);

  // Never null. A new pointer means new certificates.
  std::shared_ptr<const Certificates> Current() const;

  // Reads the files again. The error says why the certificates before stay.
  Result<> Refresh();

  // From here on these files, which held `certificates` when they were read.
  void Replace(CertificateFiles files, Certificates certificates);

 private:
  void Publish(Certificates certificates) REQUIRES(mutex_);

  const std::string listener_;
  const Clock& clock_;
  Gauge& not_after_;
  Gauge& last_success_;
  Counter& failures_;

  mutable Mutex mutex_;
  CertificateFiles files_ GUARDED_BY(mutex_);
  std::shared_ptr<const Certificates> current_ GUARDED_BY(mutex_);
  std::string problem_ GUARDED_BY(mutex_);  // of the last Refresh; empty: it went well
};

}  // namespace ficus
