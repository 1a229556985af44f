// Runs a fuzz target without libFuzzer: on every file of a folder, so that an ordinary test run
// repeats what fuzzing once found, and then on random changes of these files.
//
//     fuzz_replay_<name> <folder with the corpus> [<seconds> <file for what was found>]
//
// The changes follow from the seed alone (FICUS_TEST_SEED, else 1) and go on for so many seconds of
// processor time. An input that ends the process is written to the file. An empty or missing folder
// is a failure: a fuzz target without seeds checks nothing here.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

constexpr size_t kGrowthMax = 4096;
constexpr int kStackedMax = 6;
constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// What the handler of signals may look at.
const char* found_path = nullptr;
const uint8_t* current_data = nullptr;
size_t current_size = 0;

void SaveCurrent(int number) {
  const int file = ::open(found_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) {
    for (size_t at = 0; at < current_size;) {
      const ssize_t written = ::write(file, current_data + at, current_size - at);
      if (written <= 0) break;
      at += static_cast<size_t>(written);
    }
    ::close(file);
  }
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void Run(const Input& input) {
  current_data = input.data();
  current_size = input.size();
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

// Changes inputs at random.
class Mutator {
 public:
  Mutator(const std::vector<Input>& seeds, uint64_t seed) : seeds_(seeds), random_(seed) {}

  Input Next() {
    Input input = Pick();
    const size_t bytes_max = input.size() + kGrowthMax;
    for (uint64_t i = 1 + Below(kStackedMax); i > 0; --i) Change(input);
    if (input.size() > bytes_max) input.resize(bytes_max);
    return input;
  }

 private:
  uint64_t Below(uint64_t end) { return random_() % end; }
  const Input& Pick() { return seeds_[Below(seeds_.size())]; }
  // Half of all ranges are short.
  size_t Length(size_t most) {
    if (most == 0) return 0;
    return 1 + Below(Below(2) == 0 ? std::min<size_t>(most, 8) : most);
  }
  Input::iterator At(Input& input, size_t offset) {
    return input.begin() + static_cast<std::ptrdiff_t>(offset);
  }

  void Change(Input& input) {
    if (input.empty()) return Insert(input);
    switch (Below(8)) {
      case 0:
        input[Below(input.size())] ^= static_cast<uint8_t>(1u << Below(8));
        return;
      case 1:
        input[Below(input.size())] = static_cast<uint8_t>(Below(256));
        return;
      case 2:
        return Insert(input);
      case 3:
        return Erase(input);
      case 4:
        return Duplicate(input);
      case 5:
        return SetNumber(input);
      case 6:
        return SetDigit(input);
      default:
        return Splice(input);
    }
  }

  void Insert(Input& input) {
    const size_t at = Below(input.size() + 1);
    input.insert(At(input, at), Length(16), static_cast<uint8_t>(Below(256)));
  }

  void Erase(Input& input) {
    const size_t at = Below(input.size());
    const size_t length = Length(input.size() - at);
    input.erase(At(input, at), At(input, at + length));
  }

  void Duplicate(Input& input) {
    const size_t from = Below(input.size());
    const size_t length = std::min(Length(input.size() - from), kGrowthMax);
    const Input piece(At(input, from), At(input, from + length));
    input.insert(At(input, Below(input.size() + 1)), piece.begin(), piece.end());
  }

  // Little-endian, of 1 to 8 bytes: the numbers at which lengths and counts break.
  void SetNumber(Input& input) {
    static constexpr uint64_t kNumbers[] = {0,
                                            1,
                                            2,
                                            0x7f,
                                            0x80,
                                            0xff,
                                            0x100,
                                            0x7fff,
                                            0xffff,
                                            0x10000,
                                            0x7fffffff,
                                            0x80000000u,
                                            0xffffffffu,
                                            0x100000000u,
                                            ~0ull,
                                            ~0ull / 2,
                                            ~0ull / 2 + 1};
    const uint64_t number = kNumbers[Below(std::size(kNumbers))] + Below(3) - 1;
    const size_t at = Below(input.size());
    const size_t width = std::min(size_t{1} << Below(4), input.size() - at);
    std::memcpy(input.data() + at, &number, width);
  }

  // Numbers in text.
  void SetDigit(Input& input) {
    const size_t from = Below(input.size());
    for (size_t i = 0; i < input.size(); ++i) {
      uint8_t& byte = input[(from + i) % input.size()];
      if (byte < '0' || byte > '9') continue;
      byte = static_cast<uint8_t>("0123456789-.e"[Below(13)]);
      return;
    }
    Insert(input);
  }

  // The beginning of one and the end of another.
  void Splice(Input& input) {
    const Input& other = Pick();
    input.resize(Below(input.size() + 1));
    const size_t from = other.empty() ? 0 : Below(other.size());
    input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
  }

  const std::vector<Input>& seeds_;
  std::mt19937_64 random_;
};

std::vector<Input> ReadCorpus(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Input> inputs;
  for (const auto& path : paths) {
    std::ifstream stream(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return inputs;
}

uint64_t RunChanges(const std::vector<Input>& inputs, double seconds) {
  const char* seed = std::getenv("FICUS_TEST_SEED");
  Mutator mutator(inputs, seed == nullptr ? 1 : std::strtoull(seed, nullptr, 0));
  const auto end = std::clock() + static_cast<std::clock_t>(seconds * CLOCKS_PER_SEC);
  uint64_t runs = 0;
  while (std::clock() < end) {
    const Input input = mutator.Next();
    Run(input);
    ++runs;
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  if ((argc != 2 && argc != 4) || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr,
                 "usage: %s <folder with the corpus> [<seconds> <file for what was found>]\n",
                 argv[0]);
    return 2;
  }
  if (argc == 4) {
    found_path = argv[3];
    for (const int number : kSignals) ::signal(number, SaveCurrent);
  }
  const std::vector<Input> inputs = ReadCorpus(argv[1]);
  for (const Input& input : inputs) Run(input);
  std::printf("%zu inputs\n", inputs.size());
  if (inputs.empty()) return 1;
  if (argc == 4) {
    const uint64_t runs = RunChanges(inputs, std::strtod(argv[2], nullptr));
    std::printf("%llu changes of them\n", static_cast<unsigned long long>(runs));
  }
  return 0;
}
