// banyandb.common.v1.Service/GetAPIVersion: what SkyWalking's OAP asks first.
//
// Registered by hand: the plugin turns a service called Service into a class Service inside a class
// Service, which is no C++.
#pragma once

#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "engine/base/memory_ledger.h"

namespace ficus {

class VersionService final : public grpc::Service {
 public:
  VersionService(MemoryLedger& ledger, std::string version, std::string revision);

 private:
  const std::string version_;
  const std::string revision_;
};

}  // namespace ficus
