// Any bytes as a configuration file: checking ends, and what it accepts prints to a text that loads
// to the same configuration.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "config/load.h"
#include "config/show.h"
#include "engine/base/check.h"

namespace {

ficus::ConfigCheck Check(const std::string& text) {
  using Files = std::map<std::string, std::string>;
  ficus::ConfigSources sources;
  sources.file = "f.yaml";
  sources.environment = {{"NAME", "value"}};
  return ficus::CheckConfig(
      sources, ficus::MemoryConfigFiles(Files{{"f.yaml", text}, {"./secret", "value\n"}}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ficus::ConfigCheck check = Check(text);
  CHECK(check.mistakes.size() <= ficus::kConfigMistakesMax + 1);
  for (const ficus::ConfigMistake& mistake : check.mistakes) {
    // A message stays on one line whatever the file holds.
    CHECK(mistake.ToString().find('\n') == std::string::npos) << mistake.ToString();
  }
  if (!check.mistakes.empty()) return 0;
  const std::string shown = ficus::ShowConfig(check.loaded, ficus::ShowOrigin::kYes);
  if (!check.loaded.secrets.empty()) return 0;
  const ficus::ConfigCheck again = Check(shown);
  CHECK(again.mistakes.empty()) << again.mistakes.front().ToString() << "\n" << shown;
  CHECK(again.loaded.config == check.loaded.config) << shown;
  return 0;
}
