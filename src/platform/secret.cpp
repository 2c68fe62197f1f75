#include <fstream>

#include "edgepost/secret.hpp"

namespace edgepost {
namespace {

constexpr std::size_t kBytesMax = 64 * 1024;

Result<std::string> read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return Status(Code::io_error, "secret: cannot read a line of " + path);
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

Result<std::string> read_secret(const Secret& secret) {
  const int origins = (secret.value.empty() ? 0 : 1) + (secret.file.empty() ? 0 : 1) +
                      (secret.source == nullptr ? 0 : 1);
  if (origins != 1) {
    return Status(Code::invalid_argument,
                  origins == 0 ? "secret: there is none"
                               : "secret: value, file and source exclude each other");
  }
  Result<std::string> read = secret.value;
  if (!secret.file.empty()) read = read_line(secret.file);
  if (secret.source) read = secret.source();
  if (!read) return read;
  const std::string origin = secret.file.empty() ? "" : secret.file + ": ";
  if (read->empty()) return Status(Code::invalid_argument, "secret: " + origin + "it is empty");
  if (read->size() > kBytesMax) {
    return Status(Code::invalid_argument, "secret: " + origin + "it is longer than 64 KiB");
  }
  return read;
}

}  // namespace edgepost
