#include "cli/metrics_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace edgepost::cli {

Status replace_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (file && std::rename(fresh.c_str(), path.c_str()) == 0) return {};
  return {Code::io_error, "cannot write " + path + ": " + std::strerror(errno)};
}

}  // namespace edgepost::cli
