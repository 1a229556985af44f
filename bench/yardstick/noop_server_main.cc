// The cheapest server that a write client cannot tell from a node: it reads the same stream of
// MeasureService.Write, keeps nothing, and sends the same replies in groups, a group every five
// milliseconds as a node that syncs its log does. Every other call gets an empty answer.
//
//     noop_server [port]      prints "listening on <port>", ends on SIGTERM
//
// What a node costs above this is what the node costs; the rest is gRPC.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/slice.h>

#include "engine/base/mutex.h"
#include "server/ingest/wire_walker.h"
#include "server/rpc/reply_queue.h"

namespace {

using namespace ficus;

constexpr std::chrono::milliseconds kGroup{5};

// Answers one message of any other method with an empty one.
class EmptyReactor final : public grpc::ServerGenericBidiReactor {
 public:
  EmptyReactor() { StartRead(&request_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartWriteAndFinish(&empty_, {}, grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  const grpc::Slice nothing_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer empty_{&nothing_, 1};
};

class WriteReactor;

// The streams that want to be woken with each group.
class Streams {
 public:
  void Add(WriteReactor* stream) {
    MutexLock lock(mutex_);
    streams_.insert(stream);
  }
  void Remove(WriteReactor* stream) {
    MutexLock lock(mutex_);
    streams_.erase(stream);
  }
  void Wake();

 private:
  Mutex mutex_;
  std::set<WriteReactor*> streams_ GUARDED_BY(mutex_);
};

class WriteReactor final : public grpc::ServerGenericBidiReactor {
 public:
  explicit WriteReactor(Streams& streams) : streams_(streams) {
    // Else it waits with the first reply, which a buffer hint holds back, for more to be sent.
    StartSendInitialMetadata();
    StartRead(&request_);
    streams_.Add(this);
  }

  void OnReadDone(bool ok) override {
    bool read = false;
    {
      MutexLock lock(mutex_);
      if (ok) {
        Take();
        read = true;
      } else {
        read_ended_ = true;
      }
    }
    if (read) StartRead(&request_);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) cancelled_ = true;
    if (!cancelled_ && sent_ < group_.size()) WriteNext();
  }

  void OnCancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
  }

  void OnDone() override {
    streams_.Remove(this);
    delete this;
  }

  // A group commit would be over now.
  void Wake() {
    MutexLock lock(mutex_);
    if (writing_ || finished_) return;
    if (cancelled_ || (read_ended_ && waiting_.empty())) {
      finished_ = true;
      Finish(grpc::Status::OK);
      return;
    }
    if (waiting_.empty()) return;
    group_.swap(waiting_);
    waiting_.clear();
    sent_ = 0;
    WriteNext();
  }

 private:
  void Take() REQUIRES(mutex_) {
    grpc::Slice slice;
    std::string storage;
    std::string_view bytes;
    if (request_.TrySingleSlice(&slice).ok()) {
      bytes = {reinterpret_cast<const char*>(slice.begin()), slice.size()};
    } else {
      std::vector<grpc::Slice> slices;
      if (request_.Dump(&slices).ok()) {
        for (const grpc::Slice& piece : slices) {
          storage.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
        }
      }
      bytes = storage;
    }
    if (!ParseWriteRequest(bytes, view_).has_value()) return;
    if (view_.has_metadata) {
      metadata_ = std::make_shared<WriteMetadata>(WriteMetadata{
          std::string(view_.metadata.group), std::string(view_.metadata.name), view_.metadata.id,
          view_.metadata.create_revision, view_.metadata.mod_revision});
    }
    waiting_.push_back({view_.message_id, WriteStatus::kSucceed, metadata_});
  }

  void WriteNext() REQUIRES(mutex_) {
    reply_ = EncodeReply(group_[sent_++]);
    grpc::WriteOptions options;
    if (sent_ < group_.size()) options.set_buffer_hint();
    writing_ = true;
    StartWrite(&reply_, options);
  }

  Streams& streams_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer reply_;
  Mutex mutex_;
  WriteRequestView view_ GUARDED_BY(mutex_);
  std::shared_ptr<const WriteMetadata> metadata_ GUARDED_BY(mutex_);
  std::vector<Reply> waiting_ GUARDED_BY(mutex_);
  std::vector<Reply> group_ GUARDED_BY(mutex_);
  size_t sent_ GUARDED_BY(mutex_) = 0;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool read_ended_ GUARDED_BY(mutex_) = false;
  bool cancelled_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
};

void Streams::Wake() {
  MutexLock lock(mutex_);
  for (WriteReactor* stream : streams_) stream->Wake();
}

class NoopService final : public grpc::CallbackGenericService {
 public:
  explicit NoopService(Streams& streams) : streams_(streams) {}
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    if (context->method() == "/banyandb.measure.v1.MeasureService/Write") {
      return new WriteReactor(streams_);
    }
    return new EmptyReactor;
  }

 private:
  Streams& streams_;
};

volatile std::sig_atomic_t stopped = 0;

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopped = 1; });
  Streams streams;
  NoopService service(streams);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(std::string("127.0.0.1:") + (argc > 1 ? argv[1] : "0"),
                           grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("listening on %d\n", port);
  std::fflush(stdout);
  while (stopped == 0) {
    std::this_thread::sleep_for(kGroup);
    streams.Wake();
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
