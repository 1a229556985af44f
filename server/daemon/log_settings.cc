#include "server/daemon/log_settings.h"

namespace ficus {

LogSettings LogSettingsOf(const LogConfig& config, bool stderr_is_terminal) {
  const bool to_stderr = config.output == "stderr";
  LogSettings settings;
  settings.level = config.level;
  const bool is_read_by_a_person =
      config.format == LogFormatChoice::kAuto && to_stderr && stderr_is_terminal;
  const bool text = config.format == LogFormatChoice::kText || is_read_by_a_person;
  settings.format = text ? LogFormat::kText : LogFormat::kJson;
  if (!to_stderr) settings.file = config.output;
  return settings;
}

}  // namespace ficus
