// How much memory a message will take once it is parsed, told from its bytes.
//
// A few bytes on the wire can be an object of hundreds in memory: 8 MiB of empty messages inside of
// a message become half a GiB. Whoever knows before can refuse.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <google/protobuf/descriptor.h>

#include "engine/base/result.h"

namespace ficus {

// For one kind of message. Made once; constant afterwards and for any thread.
class ParsedSize {
 public:
  explicit ParsedSize(const google::protobuf::Descriptor* message);
  ~ParsedSize();
  ParsedSize(const ParsedSize&) = delete;
  ParsedSize& operator=(const ParsedSize&) = delete;

  // About what parsing allocates, rather more, the message itself included, as this build lays
  // messages out. kInvalidArgument: the bytes are no message, or nested deeper than protobuf reads;
  // kResourceExhausted: more than `bytes_max`, found out without walking the rest. Allocates
  // nothing; any bytes.
  Result<size_t> Of(std::string_view bytes, size_t bytes_max) const;

 private:
  struct Shapes;
  std::unique_ptr<const Shapes> shapes_;
};

}  // namespace ficus
