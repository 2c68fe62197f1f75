#include "transport/https/event_stream.hpp"

#include <charconv>

namespace edgepost::https {

Status EventStream::take(std::string_view bytes, std::vector<StreamEvent>& out) {
  for (const char c : bytes) {
    const bool belongs_to_return = was_return_ && c == '\n';
    was_return_ = c == '\r';
    if (belongs_to_return) continue;
    if (c == '\r' || c == '\n') {
      line(out);
      line_.clear();
      continue;
    }
    if (line_.size() + data_.size() >= bytes_max_) {
      return {Code::invalid_argument,
              "a server-sent event is longer than " + std::to_string(bytes_max_) + " bytes"};
    }
    line_.push_back(c);
  }
  return {};
}

void EventStream::line(std::vector<StreamEvent>& out) {
  std::string_view text = line_;
  if (is_first_line_ && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  is_first_line_ = false;
  if (text.empty()) {
    if (!data_.empty()) {
      data_.pop_back();  // the line feed behind the last line
      out.push_back({std::move(data_), id_});
    }
    data_.clear();
    return;
  }
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    data_.append(value).push_back('\n');
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    id_ = value;
  } else if (name == "retry") {
    std::uint32_t milliseconds = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, milliseconds);
    if (error == std::errc() && stop == end) retry_ = std::chrono::milliseconds(milliseconds);
  }
}

}  // namespace edgepost::https
