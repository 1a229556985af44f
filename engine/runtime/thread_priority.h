// How much a thread may take from others.
#pragma once

namespace ficus {

// From here on the calling thread, and threads that it starts, take the CPU and the disk only as
// far as others leave them; they still get on when the machine is busy. Where the system refuses,
// the thread keeps its priority.
void StayInBackground();

}  // namespace ficus
