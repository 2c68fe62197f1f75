#include "cli/metrics_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
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

bool is_same_file(const std::string& path, const std::string& other) {
  std::error_code error;
  return !path.empty() && (path == other || std::filesystem::equivalent(path, other, error));
}

}  // namespace edgepost::cli
