#include "engine/io/posix_file_system.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>

#include "engine/base/stop.h"
#include "engine/io/file_descriptor.h"
#include "engine/io/thread_file_system.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// Takes every descriptor that the process may have, of a number that is made small.
class NoDescriptors {
 public:
  NoDescriptors() {
    constexpr rlim_t kFew = 256;
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit few{std::min(kFew, before_.rlim_max), before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    TakeAll();
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

  void TakeAll() {
    for (int number = 0; (number = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
      taken_.emplace_back(number);
    }
    REQUIRE(errno == EMFILE);
  }
  void GiveOneBack() { taken_.pop_back(); }

 private:
  rlimit before_{};
  std::vector<FileDescriptor> taken_;
};

// A stop is a failure that the test sees.
StopHandler ThrowingStops() {
  return StopHandler([](std::string_view reason) { throw ProcessStopped{std::string(reason)}; });
}

// The sanitizer of undefined behaviour opens descriptors itself.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCanDoWithout = false;
#else
constexpr bool kCanDoWithout = true;
#endif

}  // namespace

TEST_CASE("a directory is synced when no descriptor is left", "[io]") {
  if (!kCanDoWithout) return;
  const auto stops = ThrowingStops();
  const TempDirectory directory;
  const auto fs = OpenThreadFileSystem(directory.path(), {});
  REQUIRE(fs.has_value());
  REQUIRE((*fs)->CreateDirectory("d").has_value());
  const NoDescriptors none;
  for (int i = 0; i < 3; ++i) {
    REQUIRE((*fs)->SyncDirectory("d", FileClass::kManifest).has_value());
  }
}

TEST_CASE("the sync of a directory waits for a descriptor", "[io]") {
  if (!kCanDoWithout) return;
  const auto stops = ThrowingStops();
  const TempDirectory directory;
  const auto fs = OpenThreadFileSystem(directory.path(),
                                       {.resolution = RootedDirectory::Resolution::kComponents});
  REQUIRE(fs.has_value());
  REQUIRE((*fs)->CreateDirectory("d").has_value());
  REQUIRE((*fs)->CreateDirectory("d/e").has_value());
  NoDescriptors none;
  // Without openat2 the last name is opened beside the one before it: the spare one does not do.
  std::thread later([&none] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    none.GiveOneBack();
  });
  bool is_synced = false;
  try {
    is_synced = (*fs)->SyncDirectory("d/e", FileClass::kManifest).has_value();
  } catch (const ProcessStopped&) {
  }
  later.join();
  REQUIRE(is_synced);
}

}  // namespace ficus
