// One thing that is wrong with a configuration, told to the operator.
#pragma once

#include <string>

namespace ficus {

struct ConfigMistake {
  // "ficus.yaml:3:5", "environment FICUS_STORAGE__PATH" or "--set".
  std::string where;
  std::string text;

  // "ficus.yaml:3:5: storage.pth: unknown key; did you mean storage.path?"
  std::string ToString() const { return where + ": " + text; }

  friend bool operator==(const ConfigMistake&, const ConfigMistake&) = default;
};

}  // namespace ficus
