// Calls whose request is weighed before it is parsed, and charged to the ledger until the client
// has its answer.
//
// gRPC parses a request by itself and tells the method afterwards; by then a small message may have
// become a large object, and one that is no message would be answered as if there were no such
// method. A service that derives from BoundedService has handlers that look first: a request that
// is refused never reaches its method.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include "engine/base/check.h"
#include "engine/base/memory_ledger.h"
#include "server/rpc/parsed_size.h"

namespace ficus {

// Of one request, whatever the ledger would give.
inline constexpr size_t kParsedRequestBytesMax = size_t{64} << 20;

// What a call holds of the ledger until it is done, beside its request.
class CallMemory {
 public:
  // The ledger's bytes are given back when the client has its answer or is gone. Called by the
  // method, before it finishes the call.
  void Keep(MemoryReservation reservation) { kept_.push_back(std::move(reservation)); }

 protected:
  ~CallMemory() = default;

 private:
  std::vector<MemoryReservation> kept_;
};

// Tells how much a request will take.
class RequestScale {
 public:
  RequestScale(MemoryLedger& ledger, const google::protobuf::Descriptor* request)
      : ledger_(ledger), size_(request) {}

  // kInvalidArgument, kResourceExhausted: why it is not parsed.
  Result<MemoryReservation> Weigh(grpc_byte_buffer* bytes) const;

 private:
  MemoryLedger& ledger_;
  const ParsedSize size_;
};

// What is said to the method's handler beside what gRPC says, on the same thread.
struct HandlerNote {
  MemoryReservation reservation;          // of the request that is being parsed
  const grpc::Status* refusal = nullptr;  // of the call that is being answered
};
HandlerNote& NoteOfThisThread();

// One method: `Handler` is gRPC's for its kind.
template <typename Handler>
class BoundedHandler final : public grpc::internal::MethodHandler {
 public:
  template <typename Get>
  BoundedHandler(MemoryLedger& ledger, const google::protobuf::Descriptor* request, Get get)
      : scale_(ledger, request), handler_(std::move(get)) {}

  Handler& handler() { return handler_; }

  void* Deserialize(grpc_call* call, grpc_byte_buffer* bytes, grpc::Status* status,
                    void** data) override;
  void RunHandler(const HandlerParameter& parameter) override;

 private:
  const RequestScale scale_;
  Handler handler_;
};

// The request and the response of a call, and what it holds of the ledger.
template <typename Request, typename Response>
class BoundedMessages final : public grpc::MessageHolder<Request, Response>, public CallMemory {
 public:
  explicit BoundedMessages(MemoryReservation request) {
    Keep(std::move(request));
    this->set_request(&request_);
    this->set_response(&response_);
  }
  void Release() override { delete this; }

 private:
  Request request_;
  Response response_;
};

template <typename Request, typename Response>
class BoundedAllocator final : public grpc::MessageAllocator<Request, Response> {
 public:
  grpc::MessageHolder<Request, Response>* AllocateMessages() override {
    return new BoundedMessages<Request, Response>(std::move(NoteOfThisThread().reservation));
  }
};

// Ends as soon as it begins.
template <typename Response>
class RefusedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const grpc::Status& why) { this->Finish(why); }
  void OnDone() override { delete this; }
};

// The handler of a unary method; `get` is called as gRPC calls it. `ledger` outlives the handler.
template <typename Request, typename Response, typename Get>
grpc::internal::MethodHandler* NewBoundedUnary(MemoryLedger& ledger, Get get) {
  static BoundedAllocator<Request, Response> allocator;
  auto* const handler = new BoundedHandler<grpc::internal::CallbackUnaryHandler<Request, Response>>(
      ledger, Request::descriptor(),
      [get = std::move(get)](grpc::CallbackServerContext* call, const Request* request,
                             Response* response) -> grpc::ServerUnaryReactor* {
        const grpc::Status* const why = NoteOfThisThread().refusal;
        if (why == nullptr) return get(call, request, response);
        grpc::ServerUnaryReactor* const refused = call->DefaultReactor();
        refused->Finish(*why);
        return refused;
      });
  handler->handler().SetMessageAllocator(&allocator);
  return handler;
}

// The same for a method that answers with a stream.
template <typename Request, typename Response, typename Get>
grpc::internal::MethodHandler* NewBoundedStream(MemoryLedger& ledger, Get get) {
  return new BoundedHandler<grpc::internal::CallbackServerStreamingHandler<Request, Response>>(
      ledger, Request::descriptor(),
      [get = std::move(get)](grpc::CallbackServerContext* call,
                             const Request* request) -> grpc::ServerWriteReactor<Response>* {
        const grpc::Status* const why = NoteOfThisThread().refusal;
        if (why == nullptr) return get(call, request);
        return new RefusedStream<Response>(*why);
      });
}

// The service of this full name, which is part of the program (CHECKed).
const google::protobuf::ServiceDescriptor& ServiceNamed(const char* name);

// `Base` is a generated CallbackService. The constructor of the service names its methods.
template <typename Base>
class BoundedService : public Base {
 protected:
  // `service` is the full name of the generated service. `ledger` outlives it.
  BoundedService(MemoryLedger& ledger, const char* service)
      : ledger_(ledger), service_(ServiceNamed(service)) {}

  template <typename Service, typename Request, typename Response>
  void Bound(grpc::ServerUnaryReactor* (Service::*method)(grpc::CallbackServerContext*,
                                                          const Request*, Response*),
             const char* name) {
    this->MarkMethodCallback(IndexOf(name), NewBoundedUnary<Request, Response>(
                                                ledger_, [service = static_cast<Service*>(this),
                                                          method](auto*... arguments) {
                                                  return (service->*method)(arguments...);
                                                }));
  }

  template <typename Service, typename Request, typename Response>
  void Bound(grpc::ServerWriteReactor<Response>* (Service::*method)(grpc::CallbackServerContext*,
                                                                    const Request*),
             const char* name) {
    this->MarkMethodCallback(IndexOf(name), NewBoundedStream<Request, Response>(
                                                ledger_, [service = static_cast<Service*>(this),
                                                          method](auto*... arguments) {
                                                  return (service->*method)(arguments...);
                                                }));
  }

 private:
  int IndexOf(const char* method) const {
    const auto* const found = service_.FindMethodByName(method);
    CHECK(found != nullptr) << service_.full_name() << " has no method " << method;
    return found->index();
  }

  MemoryLedger& ledger_;
  const google::protobuf::ServiceDescriptor& service_;
};

// The memory of a unary call of a BoundedService; from its method, before it is finished.
template <typename Request, typename Response>
CallMemory& MemoryOf(grpc::CallbackServerContext& call) {
  return *static_cast<BoundedMessages<Request, Response>*>(call.GetRpcAllocatorState());
}

// An empty buffer in place of this one, which may be null.
grpc_byte_buffer* ReplaceByNothing(grpc_byte_buffer* bytes);
grpc::Status StatusOfRefusal(const Error& error);

template <typename Handler>
void* BoundedHandler<Handler>::Deserialize(grpc_call* call, grpc_byte_buffer* bytes,
                                           grpc::Status* status, void** data) {
  Result<MemoryReservation> weighed = scale_.Weigh(bytes);
  std::optional<Error> refusal;
  if (weighed.has_value()) {
    NoteOfThisThread().reservation = *std::move(weighed);
  } else {
    refusal = std::move(weighed).error();
    bytes = ReplaceByNothing(bytes);
  }
  void* const request = handler_.Deserialize(call, bytes, status, data);
  NoteOfThisThread().reservation.Release();
  if (refusal) *status = StatusOfRefusal(*refusal);
  return request;
}

template <typename Handler>
void BoundedHandler<Handler>::RunHandler(const HandlerParameter& parameter) {
  // Without a request there is nothing that the method could be shown.
  if (parameter.status.ok() || parameter.request == nullptr) {
    handler_.RunHandler(parameter);
    return;
  }
  NoteOfThisThread().refusal = &parameter.status;
  handler_.RunHandler({parameter.call, parameter.server_context, parameter.request, grpc::Status(),
                       parameter.internal_data, parameter.call_requester});
  NoteOfThisThread().refusal = nullptr;
}

}  // namespace ficus
