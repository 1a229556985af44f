// One client: a bidirectional MeasureService.Write call that sends points and reads replies at the
// same time, and opens another call when one breaks.
//
// One thread does all of it, driven by a completion queue: no locks, and a point costs the client
// about as much as gRPC itself. Messages between two pauses are coalesced with buffer hints.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>

#include "bench/load/journal.h"
#include "bench/load/point_source.h"
#include "bench/load/write_totals.h"
#include "engine/base/result.h"

namespace ficus::load {

struct WriteStreamOptions {
  std::string address;
  std::string group;
  uint32_t stream = 0;
  uint64_t points_max = std::numeric_limits<uint64_t>::max();
  double points_per_second = 0;    // 0: as fast as the node takes them
  uint64_t unanswered_max = 8192;  // points sent and not answered
  int64_t reconnect_seconds = 0;   // how long to wait for a node that went away; 0: give up at once
  uint64_t first_message_id = 1;   // point number n has id first_message_id + n
};

class WriteStream {
 public:
  // All of it outlives the stream. `journal` may be null.
  WriteStream(const WriteStreamOptions& options, const PointSource& source, JournalWriter* journal,
              WriteTotals& totals);

  // Sends until `points_max` or `stop`, then reads what is still to be answered. Points that a
  // broken call left unanswered are sent again first. kUnavailable: the node went away for good.
  // kDeadlineExceeded: no reply for a minute. kIo: the journal. Anything else: the node ended the
  // call with that, or its replies are wrong.
  Result<> Run(const std::atomic<bool>& stop);

 private:
  class Call;

  enum class Answer : uint8_t { kNone, kUnanswered, kAnswered };
  struct Slot {
    int64_t sent_nanos = 0;
    Answer answer = Answer::kNone;
  };

  Slot& SlotOf(uint64_t sequence) { return slots_[sequence % slots_.size()]; }
  // A point that was never sent is left.
  bool HasNext() const;
  // The point to send now: one to be sent again, else the next new one, journalled.
  Result<uint64_t> TakeNext();
  Result<> TakeReply(uint64_t message_id, const std::string& status);
  Result<> NoteAcked(uint64_t sequence);
  Result<> WriteAcked();
  // Points that may be sent now, by the window and the rate.
  uint64_t Allowed(int64_t now) const;
  // When the rate allows the next point.
  int64_t NextAt() const;
  // False when the node does not come back in time, or nobody wants to wait.
  bool Reconnect(grpc::Channel& channel, const std::atomic<bool>& stop);
  // Everything without an answer is to be sent again.
  void Rewind();

  const WriteStreamOptions options_;
  const PointSource& source_;
  JournalWriter* const journal_;
  WriteTotals& totals_;
  std::vector<std::string> heads_;  // by measure

  std::vector<Slot> slots_;      // of the points from low_ to next_
  uint64_t low_ = 0;             // all before are answered
  uint64_t next_ = 0;            // never sent so far
  std::vector<uint64_t> again_;  // to be sent again, last first
  uint64_t issued_end_ = 0;      // journalled as issued before this
  uint64_t acked_first_ = 0;     // acknowledged, not yet in the journal
  uint64_t acked_count_ = 0;
  int64_t started_nanos_ = 0;
};

}  // namespace ficus::load
