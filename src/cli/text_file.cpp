#include "cli/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/descriptor.hpp"

namespace edgepost::cli {

// A file stream throws when a read fails in the middle, or at once for a directory.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  ssize_t got = file.is_open() ? 1 : -1;
  while (got > 0 && text.size() <= bytes_max) {
    constexpr std::size_t kPiece = 64 * 1024;
    const std::size_t size = text.size();
    text.resize(size + kPiece);
    do {
      got = read(file.number(), text.data() + size, kPiece);
    } while (got < 0 && errno == EINTR);
    text.resize(size + static_cast<std::size_t>(got < 0 ? 0 : got));
  }
  if (got < 0) return Status(Code::io_error, "cannot read " + path + ": " + std::strerror(errno));
  if (text.size() <= bytes_max) return text;
  return Status(Code::invalid_argument,
                path + ": it has more than " + std::to_string(bytes_max) + " bytes");
}

}  // namespace edgepost::cli
