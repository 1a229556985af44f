// What a query takes once it is parsed, told from its bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "banyandb/measure/v1/query.pb.h"
#include "engine/base/check.h"
#include "server/rpc/parsed_size.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using Request = banyandb::measure::v1::QueryRequest;
  static const ficus::ParsedSize parsed_size(Request::descriptor());
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto told = parsed_size.Of(bytes, size_t{64} << 20);
  Request request;
  // What protobuf reads is never larger than was told.
  if (told.has_value() && request.ParseFromArray(data, static_cast<int>(size))) {
    CHECK(*told >= request.SpaceUsedLong());
  }
  return 0;
}
