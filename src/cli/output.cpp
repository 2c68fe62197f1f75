#include "cli/output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "wire/cloudevents.hpp"

namespace edgepost::cli {

Status put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return {Code::io_error, std::string("cannot write standard output: ") + std::strerror(errno)};
  }
  return {};
}

void say(std::string_view line) {
  // One write, so that lines of several processes on one terminal do not mix.
  const std::string text = "edgepost: " + std::string(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

int fail(const Status& status) {
  say(status.message());
  return kFailed;
}

int refuse(std::string_view command, std::string_view what) {
  say(what);
  std::string hint = "see: edgepost ";
  if (!command.empty()) hint.append(command).append(" ");
  say(hint + "--help");
  return kBadUsage;
}

JsonObject& JsonObject::add(std::string_view name, std::uint64_t value) {
  return add_json(name, std::to_string(value));
}

JsonObject& JsonObject::add(std::string_view name, std::optional<std::uint64_t> value) {
  return value ? add(name, *value) : add_json(name, "null");
}

JsonObject& JsonObject::add(std::string_view name, std::string_view value) {
  std::string quoted;
  wire::append_json_string(value, quoted);
  return add_json(name, quoted);
}

JsonObject& JsonObject::add_bool(std::string_view name, bool value) {
  return add_json(name, value ? "true" : "false");
}

JsonObject& JsonObject::add_json(std::string_view name, std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_.append("\"").append(name).append("\":").append(json);
  return *this;
}

std::string as_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = row.front() + std::string(widths.front() - row.front().size(), ' ');
    for (std::size_t i = 1; i < row.size(); ++i) {
      line += std::string(2 + widths[i] - row[i].size(), ' ') + row[i];
    }
    text += line + "\n";
  }
  return text;
}

std::string json_array(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) {
    if (text.size() > 1) text += ',';
    text += value;
  }
  return text + "]";
}

}  // namespace edgepost::cli
