// Tells the service manager that started the process how it is: sd_notify(3) without its library.
#pragma once

#include <string_view>

#include "engine/base/result.h"

namespace ficus {

// Sends `state`, such as "READY=1" or "STOPPING=1", to the datagram socket that NOTIFY_SOCKET
// names: a path, or '@' and an abstract name. Nothing happens without one. kIo when it does not
// take the message, kInvalidArgument for a name that cannot be a socket. Any thread.
Result<> NotifyServiceManager(std::string_view state);

}  // namespace ficus
