#include "bench/load/write_stream.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "banyandb/measure/v1/write.pb.h"
#include "bench/load/channel.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

namespace ficus::load {
namespace {

constexpr char kMethod[] = "/banyandb.measure.v1.MeasureService/Write";
constexpr char kSucceed[] = "STATUS_SUCCEED";
constexpr uint64_t kBurstMax = 256;      // messages in front of one without a buffer hint
constexpr uint64_t kIssuedAhead = 1024;  // points journalled together before the first is sent
constexpr uint64_t kAckedMax = 4096;     // acknowledgements in one journal line
constexpr int64_t kPauseNanos = 2 * kNanosPerMilli;  // shortest pause of a stream with a rate
constexpr int64_t kLookNanos = 50 * kNanosPerMilli;  // how often a waiting stream looks at `stop`
constexpr int64_t kSilenceNanos = 60 * kNanosPerSecond;  // without a reply: the node hangs

int64_t Monotonic() { return SystemClock().Monotonic(); }

std::chrono::system_clock::time_point In(int64_t nanos) {
  return std::chrono::system_clock::now() + std::chrono::nanoseconds(nanos);
}

}  // namespace

// One gRPC call of the stream, from its start until its status is known.
class WriteStream::Call {
 public:
  Call(WriteStream& stream, const std::shared_ptr<grpc::Channel>& channel)
      : stream_(stream), stub_(channel) {}

  // The status the call ended with. An error: something on our side, or a wrong reply.
  Result<grpc::Status> Run(const std::atomic<bool>& stop) {
    call_ = stub_.PrepareCall(&context_, kMethod, &queue_);
    Begin(kStart);
    call_->StartCall(Tag(kStart));
    while (pending_ > 0) {
      if (!failure_ && ready_ && !writing_ && !half_closed_) Keep(Send(stop));
      Wait();
    }
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
    if (failure_) return *failure_;
    return status_;
  }

  bool half_closed() const { return half_closed_; }

 private:
  enum Operation : uintptr_t { kStart = 1, kWrite, kRead, kHalfClose, kFinish };

  static void* Tag(Operation operation) { return reinterpret_cast<void*>(operation); }
  void Begin(Operation) { ++pending_; }

  // The first failure ends the call.
  void Keep(Result<> result) {
    if (result || failure_) return;
    failure_ = std::move(result).error();
    context_.TryCancel();
  }

  Result<> Send(const std::atomic<bool>& stop) {
    // What was sent before and got no answer is sent again even when no new point is wanted.
    if (stream_.again_.empty() && (stop.load(std::memory_order_relaxed) || !stream_.HasNext())) {
      half_closed_ = true;
      Begin(kHalfClose);
      call_->WritesDone(Tag(kHalfClose));
      return {};
    }
    const int64_t now = Monotonic();
    if (burst_ == 0) burst_ = std::min(stream_.Allowed(now), kBurstMax);
    if (burst_ == 0) return {};
    --burst_;
    ASSIGN_OR_RETURN(const uint64_t sequence, stream_.TakeNext());
    stream_.SlotOf(sequence) = {now, Answer::kUnanswered};
    Encode(sequence);
    const grpc::Slice slice(bytes_);
    const grpc::ByteBuffer buffer(&slice, 1);
    grpc::WriteOptions options;
    if (burst_ > 0 && (stream_.HasNext() || !stream_.again_.empty())) options.set_buffer_hint();
    writing_ = true;
    Begin(kWrite);
    call_->Write(buffer, options, Tag(kWrite));
    return {};
  }

  void Encode(uint64_t sequence) {
    stream_.source_.Get(stream_.options_.stream, sequence, point_);
    bytes_.clear();
    if (measure_ != point_.measure) {
      measure_ = point_.measure;
      bytes_ += stream_.heads_[*measure_];
    }
    AppendRequest(point_, stream_.options_.first_message_id + sequence, bytes_);
  }

  // Handles one event, or none when something else must be looked at first.
  void Wait() {
    void* tag = nullptr;
    bool ok = false;
    auto next = grpc::CompletionQueue::TIMEOUT;
    if (stream_.acked_count_ > 0 && stream_.journal_ != nullptr) {
      next = queue_.AsyncNext(&tag, &ok, In(0));
      if (next == grpc::CompletionQueue::TIMEOUT) Keep(stream_.WriteAcked());
    }
    if (next == grpc::CompletionQueue::TIMEOUT) next = queue_.AsyncNext(&tag, &ok, In(Pause()));
    if (next == grpc::CompletionQueue::GOT_EVENT) {
      Handle(static_cast<Operation>(reinterpret_cast<uintptr_t>(tag)), ok);
    } else if (stream_.low_ < stream_.next_ && Monotonic() - heard_ > kSilenceNanos) {
      Keep(Error{ErrorCode::kDeadlineExceeded, "no reply for a minute"});
    }
  }

  int64_t Pause() const {
    if (!ready_ || writing_ || half_closed_ || stream_.options_.points_per_second <= 0) {
      return kLookNanos;
    }
    return std::clamp(stream_.NextAt() - Monotonic(), kPauseNanos, kLookNanos);
  }

  void Handle(Operation operation, bool ok) {
    --pending_;
    switch (operation) {
      case kStart:
        ready_ = ok;
        heard_ = Monotonic();
        ok ? Read() : Finish();
        return;
      case kWrite:
        writing_ = false;
        if (!ok) ready_ = false;  // the read will fail as well
        return;
      case kRead:
        if (ok) {
          Keep(Take());
          Read();
        } else {
          ready_ = false;
          Finish();
        }
        return;
      case kHalfClose:
      case kFinish:
        return;
    }
  }

  void Read() {
    Begin(kRead);
    call_->Read(&reply_, Tag(kRead));
  }

  void Finish() {
    Begin(kFinish);
    call_->Finish(&status_, Tag(kFinish));
  }

  Result<> Take() {
    heard_ = Monotonic();
    banyandb::measure::v1::WriteResponse& response = response_;
    const grpc::Status parsed =
        grpc::SerializationTraits<banyandb::measure::v1::WriteResponse>::Deserialize(&reply_,
                                                                                     &response);
    if (!parsed.ok()) return ErrorOf(parsed, "read a reply");
    return stream_.TakeReply(response.message_id(), response.status());
  }

  WriteStream& stream_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  int pending_ = 0;  // operations whose event is still to come
  bool ready_ = false;
  bool writing_ = false;
  bool half_closed_ = false;
  uint64_t burst_ = 0;
  int64_t heard_ = 0;
  std::optional<size_t> measure_;  // whose head the node has seen last
  Point point_;
  std::string bytes_;
  grpc::ByteBuffer reply_;
  banyandb::measure::v1::WriteResponse response_;
  grpc::Status status_;
  std::optional<Error> failure_;
};

WriteStream::WriteStream(const WriteStreamOptions& options, const PointSource& source,
                         JournalWriter* journal, WriteTotals& totals)
    : options_(options), source_(source), journal_(journal), totals_(totals) {
  CHECK(options.unanswered_max > 0 && options.first_message_id > 0);
  slots_.resize(options.unanswered_max);
  for (const MeasureShape& measure : source.measures()) {
    heads_.push_back(EncodeHead(options.group, measure));
  }
}

Result<> WriteStream::Run(const std::atomic<bool>& stop) {
  const std::shared_ptr<grpc::Channel> channel = Connect(options_.address);
  started_nanos_ = Monotonic();
  while (true) {
    Call call(*this, channel);
    ASSIGN_OR_RETURN(const grpc::Status status, call.Run(stop));
    if (journal_ != nullptr) RETURN_IF_ERROR(WriteAcked());
    if (status.ok() && call.half_closed() && low_ == next_) return {};
    Error error = status.ok() ? Error{ErrorCode::kUnavailable, "write: the node ended the call"}
                              : ErrorOf(status, "write");
    if (error.code == ErrorCode::kCancelled) error.code = ErrorCode::kUnavailable;
    if (error.code != ErrorCode::kUnavailable || !Reconnect(*channel, stop)) {
      return Error{error.code,
                   fmt::format("{}; {} points have no answer", error.message, next_ - low_)};
    }
    Rewind();
  }
}

bool WriteStream::Reconnect(grpc::Channel& channel, const std::atomic<bool>& stop) {
  const int64_t deadline = Monotonic() + options_.reconnect_seconds * kNanosPerSecond;
  while (Monotonic() < deadline && !stop.load(std::memory_order_relaxed)) {
    if (channel.WaitForConnected(In(kLookNanos))) {
      totals_.reconnects.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

bool WriteStream::HasNext() const { return next_ < options_.points_max; }

Result<uint64_t> WriteStream::TakeNext() {
  if (!again_.empty()) {
    const uint64_t sequence = again_.back();
    again_.pop_back();
    totals_.sent_again.fetch_add(1, std::memory_order_relaxed);
    return sequence;
  }
  if (journal_ != nullptr && next_ == issued_end_) {
    const uint64_t count = std::min(kIssuedAhead, options_.points_max - issued_end_);
    RETURN_IF_ERROR(journal_->Issued(options_.stream, issued_end_, count));
    issued_end_ += count;
  }
  totals_.issued.fetch_add(1, std::memory_order_relaxed);
  return next_++;
}

Result<> WriteStream::TakeReply(uint64_t message_id, const std::string& status) {
  const uint64_t sequence = message_id - options_.first_message_id;
  if (message_id < options_.first_message_id || sequence < low_ || sequence >= next_ ||
      SlotOf(sequence).answer != Answer::kUnanswered) {
    return Error{ErrorCode::kUnknown,
                 fmt::format("a reply to message {}, which waits for none", message_id)};
  }
  Slot& slot = SlotOf(sequence);
  slot.answer = Answer::kAnswered;
  while (low_ < next_ && SlotOf(low_).answer == Answer::kAnswered) {
    SlotOf(low_++).answer = Answer::kNone;
  }
  if (status != kSucceed) {
    totals_.Refuse(status);
    return {};
  }
  totals_.latency.Observe(Monotonic() - slot.sent_nanos);
  totals_.acknowledged.fetch_add(1, std::memory_order_relaxed);
  return journal_ == nullptr ? Result<>() : NoteAcked(sequence);
}

Result<> WriteStream::NoteAcked(uint64_t sequence) {
  if (acked_count_ == kAckedMax || (acked_count_ > 0 && sequence != acked_first_ + acked_count_)) {
    RETURN_IF_ERROR(WriteAcked());
  }
  if (acked_count_ == 0) acked_first_ = sequence;
  ++acked_count_;
  return {};
}

Result<> WriteStream::WriteAcked() {
  if (acked_count_ == 0) return {};
  RETURN_IF_ERROR(journal_->Acked(options_.stream, acked_first_, acked_count_));
  acked_count_ = 0;
  return {};
}

uint64_t WriteStream::Allowed(int64_t now) const {
  const uint64_t room = again_.size() + (slots_.size() - (next_ - low_));
  if (options_.points_per_second <= 0) return room;
  const double due =
      static_cast<double>(now - started_nanos_) * 1e-9 * options_.points_per_second + 1;
  const uint64_t fresh = next_ - again_.size();
  if (due <= static_cast<double>(fresh)) return 0;
  return std::min(room, static_cast<uint64_t>(due) - fresh);
}

int64_t WriteStream::NextAt() const {
  const double seconds = static_cast<double>(next_ - again_.size()) / options_.points_per_second;
  return started_nanos_ + static_cast<int64_t>(seconds * 1e9);
}

void WriteStream::Rewind() {
  again_.clear();
  for (uint64_t sequence = next_; sequence > low_; --sequence) {
    if (SlotOf(sequence - 1).answer == Answer::kUnanswered) again_.push_back(sequence - 1);
  }
}

}  // namespace ficus::load
