// Any bytes as a write request: the wire walker and the generated class agree on every field, or
// both refuse.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "banyandb/measure/v1/write.pb.h"
#include "server/ingest/wire_walker.h"
#include "test/server/ingest/reference_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ficus::WriteRequestView view;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string difference = ficus::CompareParsers(bytes, view);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
