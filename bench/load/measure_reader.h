// Queries of one measure, answers as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/support/byte_buffer.h>

#include "bench/load/measure_shape.h"
#include "bench/load/point.h"
#include "engine/base/result.h"

namespace ficus::load {

struct ReadPoint {
  int64_t timestamp_ms = 0;
  std::vector<std::string> tags;  // in the order of the shape; "(null)" for null
  std::vector<Cell> cells;        // likewise
};

struct ReadRange {
  int64_t begin_ms = 0;  // both included
  int64_t end_ms = 0;
  std::vector<std::string> entities;  // values of the first tag; empty for all
};

enum class ReadOrder : uint8_t { kOldestFirst, kNewestFirst };

// All members: any thread. Errors are the node's, and kUnknown for an answer that has not the form
// that was asked for. A node that has no room is asked again for two minutes.
class MeasureReader {
 public:
  MeasureReader(std::shared_ptr<grpc::Channel> channel, std::string group, MeasureShape shape);

  // The first `limit` points of that order.
  Result<std::vector<ReadPoint>> Read(const ReadRange& range, uint32_t limit,
                                      ReadOrder order) const;

  // How many points there are, as the node counts them.
  Result<uint64_t> Count(const ReadRange& range) const;

  // The sum of the first field for each value of the first tag, as the node adds them up. The field
  // holds integers.
  Result<std::map<std::string, int64_t>> Sums(const ReadRange& range) const;

  // The same in two steps: the answer as it comes, and what it says.
  Result<grpc::ByteBuffer> AskForSums(const ReadRange& range) const;
  static Result<std::map<std::string, int64_t>> SumsOf(const grpc::ByteBuffer& answer);

  const MeasureShape& shape() const { return shape_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string group_;
  const MeasureShape shape_;
};

}  // namespace ficus::load
