#include "engine/io/uring_ring.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <sched.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "engine/io/posix_file.h"
#include "engine/io/uring_probe.h"

namespace ficus {
namespace {

// How often a submission that the kernel refuses for want of memory is repeated while nothing is in
// flight that could give some back.
constexpr int kSubmitTriesMax = 1000;

// The kernel ran it, and what it should have written out may be gone: a second one would succeed
// and mean nothing, whether its write had ended before or not.
bool IsFailedSync(const Transfer& transfer, int result) {
  return transfer.op == IoOp::kSync && result < 0 && result != -ECANCELED && result != -EINTR &&
         result != -EAGAIN;
}

}  // namespace

// One Run(): which transfers are ready, handed over, in flight.
class UringRing::Batch {
 public:
  Batch(UringRing& owner, std::span<Transfer> transfers, const TransferHook& hook,
        const RegisteredChunks& chunks)
      : owner_(owner),
        ring_(owner.ring_),
        transfers_(transfers),
        hook_(hook),
        chunks_(chunks),
        states_(transfers.size()) {
    // Nothing is allocated while the kernel writes into the caller's memory.
    ready_.reserve(transfers.size());
    prepared_.reserve(ring_.sq.ring_entries);
  }

  void Run();

 private:
  struct State {
    bool queued = false;     // prepared or in flight
    int injected_error = 0;  // what the hook wants the attempt to end with
    // Of a sync that was linked to its only write.
    bool linked = false;
    size_t partner = 0;
    bool link_cut = false;  // the two did not reach the kernel together
  };

  void FindReady();
  void Prepare();
  bool CanLink(size_t index) const;
  io_uring_sqe* PrepareTransfer(size_t index);
  void FillEntry(io_uring_sqe& entry, const Transfer& transfer, int file, uint32_t bytes) const;
  bool Submit();
  void Submitted(size_t count);
  void WaitForOne();
  void GiveUp(int error_number);
  void Reap();
  void Complete(size_t index, int result);
  bool LinkHeld(size_t index, int result);

  UringRing& owner_;
  io_uring& ring_;
  const std::span<Transfer> transfers_;
  const TransferHook& hook_;
  const RegisteredChunks& chunks_;
  std::vector<State> states_;
  std::vector<size_t> ready_;
  std::vector<size_t> prepared_;  // in the submission queue, in its order
  size_t in_flight_ = 0;
  int submit_tries_ = 0;
};

void UringRing::Batch::Run() {
  FindReady();
  while (!ready_.empty() || !prepared_.empty() || in_flight_ > 0) {
    Prepare();
    if (!Submit()) return;
    Reap();
  }
}

void UringRing::Batch::FindReady() {
  for (size_t i = transfers_.size(); i-- > 0;) {
    if (!transfers_[i].finished && transfers_[i].writes_left == 0) ready_.push_back(i);
  }
}

// Fills the queue. Never more in flight than it has entries: the completion queue, twice as long,
// cannot overflow.
void UringRing::Batch::Prepare() {
  const size_t room = ring_.sq.ring_entries;
  while (!ready_.empty()) {
    const size_t index = ready_.back();
    const bool link = CanLink(index);
    const size_t needed = link ? 2 : 1;
    if (in_flight_ + prepared_.size() + needed > room) return;
    if (io_uring_sq_space_left(&ring_) < needed) return;
    ready_.pop_back();
    io_uring_sqe* entry = PrepareTransfer(index);
    if (!link) continue;
    entry->flags |= IOSQE_IO_LINK;
    const size_t sync = transfers_[index].sync;
    states_[sync].linked = true;
    states_[sync].partner = index;
    PrepareTransfer(sync);
  }
}

// A pair is linked once, before the first attempt of its write.
bool UringRing::Batch::CanLink(size_t index) const {
  const Transfer& transfer = transfers_[index];
  if (transfer.sync == Transfer::kNone || transfer.attempts > 0) return false;
  const Transfer& sync = transfers_[transfer.sync];
  return sync.writes_left == 1 && !sync.write_failed && sync.attempts == 0 &&
         transfer.size <= Transfer::kBytesMax && ring_.sq.ring_entries >= 2;
}

io_uring_sqe* UringRing::Batch::PrepareTransfer(size_t index) {
  Transfer& transfer = transfers_[index];
  const Attempt attempt = PlanAttempt(transfer, hook_);
  states_[index].injected_error = attempt.error_number;
  // A pretended failure is a real one in the kernel's eyes, so that it cuts a link.
  const int file = attempt.error_number != 0 ? -1 : transfer.file->descriptor();
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  CHECK(entry != nullptr) << "the submission queue is full";
  FillEntry(*entry, transfer, file, attempt.bytes);
  io_uring_sqe_set_data64(entry, index);
  prepared_.push_back(index);
  states_[index].queued = true;
  return entry;
}

void UringRing::Batch::FillEntry(io_uring_sqe& entry, const Transfer& transfer, int file,
                                 uint32_t bytes) const {
  const uint64_t offset = transfer.rest_offset();
  if (transfer.op == IoOp::kSync) {
    io_uring_prep_fsync(&entry, file, transfer.kind == SyncKind::kData ? IORING_FSYNC_DATASYNC : 0);
    return;
  }
  if (transfer.op == IoOp::kRead) {
    io_uring_prep_read(&entry, file, transfer.rest(), bytes, offset);
    return;
  }
  const int chunk = owner_.registered() ? chunks_.IndexOf(transfer.rest(), bytes) : -1;
  if (chunk >= 0) {
    io_uring_prep_write_fixed(&entry, file, transfer.rest(), bytes, offset, chunk);
  } else {
    io_uring_prep_write(&entry, file, transfer.rest(), bytes, offset);
  }
}

// Hands over what is prepared and waits for at least one completion. False: the ring is broken and
// every transfer has ended.
bool UringRing::Batch::Submit() {
  const int result = io_uring_submit_and_wait(&ring_, 1);
  if (result >= 0) {
    Submitted(static_cast<size_t>(result));
    return true;
  }
  if (result == -EINTR) return true;
  const bool scarce = result == -EAGAIN || result == -EBUSY || result == -ENOMEM;
  if (!scarce || ++submit_tries_ > kSubmitTriesMax) {
    GiveUp(-result);
    return false;
  }
  // What is in flight gives memory back when it completes.
  if (in_flight_ > 0) {
    WaitForOne();
  } else {
    ::sched_yield();
  }
  return true;
}

void UringRing::Batch::Submitted(size_t count) {
  CHECK(count <= prepared_.size()) << count << " of " << prepared_.size();
  if (count > 0) submit_tries_ = 0;
  in_flight_ += count;
  if (count < prepared_.size()) states_[prepared_[count]].link_cut = true;
  prepared_.erase(prepared_.begin(), prepared_.begin() + static_cast<ptrdiff_t>(count));
}

void UringRing::Batch::WaitForOne() {
  io_uring_cqe* completion = nullptr;
  while (io_uring_wait_cqe(&ring_, &completion) == -EINTR) continue;
}

void UringRing::Batch::GiveUp(int error_number) {
  owner_.broken_ = true;
  while (in_flight_ > 0) {
    WaitForOne();
    Reap();
  }
  for (Transfer& transfer : transfers_) {
    if (!transfer.finished) transfer.Fail(error_number);
  }
}

void UringRing::Batch::Reap() {
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_, head, completion) {
    Complete(completion->user_data, completion->res);
    ++count;
  }
  io_uring_cq_advance(&ring_, count);
  if (__atomic_load_n(ring_.cq.koverflow, __ATOMIC_RELAXED) != 0) {
    StopProcess("io_uring lost completions: what was written is not known");
  }
}

void UringRing::Batch::Complete(size_t index, int result) {
  CHECK(index < transfers_.size() && states_[index].queued) << "completion of " << index;
  --in_flight_;
  State& state = states_[index];
  state.queued = false;
  if (state.injected_error != 0 && result != -ECANCELED) result = -state.injected_error;
  Transfer& transfer = transfers_[index];
  if (IsFailedSync(transfer, result)) return transfer.Fail(-result);
  if (transfer.finished) return;  // a linked sync whose write failed
  if (transfer.op == IoOp::kSync && !LinkHeld(index, result)) {
    if (transfer.writes_left == 0) ready_.push_back(index);
    return;
  }
  if (!transfer.Advance(result)) {
    ready_.push_back(index);
  } else if (ReleaseSync(transfers_, transfer) && !states_[transfer.sync].queued) {
    ready_.push_back(transfer.sync);
  }
}

// Whether the good answer of a sync can be trusted to cover its write. One that was not linked
// started after its writes had ended.
bool UringRing::Batch::LinkHeld(size_t index, int result) {
  State& state = states_[index];
  if (!state.linked) return true;
  state.linked = false;
  const Transfer& write = transfers_[state.partner];
  const bool whole = write.finished && write.error_number == 0 && write.attempts == 1;
  return whole && !state.link_cut && result != -ECANCELED;
}

// ----- UringRing -----

Result<std::unique_ptr<UringRing>> UringRing::Create(uint32_t entries, Use use) {
  // Newer kernels know more flags; an unknown one is EINVAL.
  std::vector<unsigned> choices{0};
  if (use == Use::kOneThread) {
    choices = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN,
               0};
  }
  std::unique_ptr<UringRing> ring(new UringRing);
  int result = -EINVAL;
  for (const unsigned flags : choices) {
    if (result != -EINVAL) break;
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_CLAMP;
    result = io_uring_queue_init_params(entries, &ring->ring_, &params);
  }
  if (result != 0) {
    return Error{ErrorCode::kUnavailable, "set up io_uring: " + ExplainUringRefusal(-result)};
  }
  ring->open_ = true;
  return ring;
}

UringRing::~UringRing() {
  if (open_) io_uring_queue_exit(&ring_);
}

void UringRing::Run(std::span<Transfer> transfers, const TransferHook& hook,
                    const RegisteredChunks& chunks) {
  CHECK(!broken_) << "a broken ring is used";
  if (registration_ == Registration::kNotTried) RegisterIfUsed(transfers, chunks);
  Batch(*this, transfers, hook, chunks).Run();
}

// Pinned memory is scarce, so only rings that write chunks register them.
void UringRing::RegisterIfUsed(std::span<const Transfer> transfers,
                               const RegisteredChunks& chunks) {
  const bool used =
      std::any_of(transfers.begin(), transfers.end(), [&chunks](const auto& transfer) {
        return transfer.op == IoOp::kWrite && chunks.IndexOf(transfer.data, transfer.size) >= 0;
      });
  if (!used) return;
  const std::vector<iovec> vectors = chunks.Vectors();
  const int result =
      io_uring_register_buffers(&ring_, vectors.data(), static_cast<unsigned>(vectors.size()));
  registration_ = result == 0 ? Registration::kDone : Registration::kRefused;
  if (result != 0) {
    LogDebug("io.registration", "write buffers are not registered: {}",
             ExplainUringRefusal(-result));
  }
}

}  // namespace ficus
