#include "wire/json.hpp"

#include "base/utf8.hpp"

namespace edgepost::wire {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// Enough for any sensible document; it bounds the scanner's own recursion.
constexpr int kDepthMax = 64;

// Stands for itself in a string, as nearly all bytes do.
bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

/// Walks over JSON without building anything. Each method returns false where a rule breaks, and
/// position() is the place.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t position() const { return at_; }

  void skip_space() {
    while (at_ < text_.size() && kJsonSpace.find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  bool value(int depth) {
    switch (next()) {
      case '{':
        return depth < kDepthMax && object(depth + 1);
      case '[':
        return depth < kDepthMax && array(depth + 1);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

 private:
  [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  bool word(std::string_view wanted) {
    for (const char letter : wanted) {
      if (!take(letter)) return false;
    }
    return true;
  }

  bool object(int depth) {
    take('{');
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      if (!string()) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!value(depth)) return false;
      skip_space();
    } while (take(','));
    return take('}');
  }

  bool array(int depth) {
    take('[');
    skip_space();
    if (take(']')) return true;
    do {
      skip_space();
      if (!value(depth)) return false;
      skip_space();
    } while (take(','));
    return take(']');
  }

  bool digits() {
    const std::size_t start = at_;
    while (next() >= '0' && next() <= '9')
      ++at_;
    return at_ > start;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool string() {
    if (!take('"')) return false;
    while (!take('"')) {
      if (is_plain(next())) {
        ++at_;
        continue;
      }
      if (take('\\')) {
        if (!escape()) return false;
        continue;
      }
      const CodePoint point = decode_utf8(text_.substr(at_));
      if (point.length == 0 || point.value < 0x20) return false;
      at_ += point.length;
    }
    return true;
  }

  bool escape() {
    if (at_ < text_.size() && std::string_view("\"\\/bfnrt").find(text_[at_]) != text_.npos) {
      ++at_;
      return true;
    }
    unsigned unit = 0;
    if (!take('u') || !utf16_unit(unit)) return false;
    if (unit < 0xD800 || unit > 0xDFFF) return true;
    unsigned low = 0;
    return unit < 0xDC00 && take('\\') && take('u') && utf16_unit(low) && low >= 0xDC00 &&
           low <= 0xDFFF;
  }

  bool utf16_unit(unsigned& unit) {
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = next();
      const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
      const std::size_t digit = kHexDigits.find(lower);
      if (digit == std::string_view::npos) return false;
      unit = unit << 4U | static_cast<unsigned>(digit);
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_escaped(char c, std::string& out) {
  constexpr std::string_view kNamed = "\b\t\n\f\r\"\\";
  constexpr std::string_view kLetters = "btnfr\"\\";
  const std::size_t named = kNamed.find(c);
  out.push_back('\\');
  if (named != std::string_view::npos) {
    out.push_back(kLetters[named]);
    return;
  }
  const auto code = static_cast<unsigned char>(c);
  out.append("u00").push_back(kHexDigits[code >> 4U]);
  out.push_back(kHexDigits[code & 15U]);
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  std::size_t done = 0;  // what follows up to `at` is copied as it is
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_plain(text[at])) {
      ++at;
      continue;
    }
    const CodePoint point = decode_utf8(text.substr(at));
    if (point.length > 1) {
      at += point.length;
      continue;
    }
    out.append(text.substr(done, at - done));
    if (point.length == 0) {
      out.append("\xEF\xBF\xBD");
    } else {
      append_escaped(text[at], out);
    }
    done = ++at;
  }
  out.append(text.substr(done));
  out.push_back('"');
}

JsonExtent scan_json(std::string_view text) {
  JsonScanner scanner(text);
  scanner.skip_space();
  const std::size_t begin = scanner.position();
  const bool is_valid = scanner.value(0);
  return {is_valid, begin, scanner.position()};
}

bool is_json(std::string_view text) {
  const JsonExtent extent = scan_json(text);
  return extent.is_valid &&
         text.find_first_not_of(kJsonSpace, extent.end) == std::string_view::npos;
}

}  // namespace edgepost::wire
