#include "cli/open.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "cli/output.hpp"

namespace edgepost::cli {

Result<std::unique_ptr<Gateway>> open_as_owner(const GatewayOptions& options) {
  auto gateway = Gateway::open(options);
  if (!gateway) return gateway;
  const std::string line = damage_line(options.database, (*gateway)->status());
  if (!line.empty()) say(line);
  return gateway;
}

Status check_exists(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) {
    return {Code::not_found, "cannot open " + path + ": " + std::strerror(errno)};
  }
  if (file.st_size == 0) return {Code::not_found, path + " is empty: nothing was published"};
  return {};
}

std::string damage_line(const std::string& database, const GatewayStatus& status) {
  if (!status.damage) return {};
  const DamageReport& damage = *status.damage;
  std::string line = "database " + database +
                     " was damaged: " + std::to_string(damage.events_lost) + " events lost, " +
                     std::to_string(damage.events_salvaged) + " carried over";
  if (!damage.set_aside.empty()) line += "; evidence " + damage.set_aside;
  return line;
}

}  // namespace edgepost::cli
