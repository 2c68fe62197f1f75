#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/https.hpp"
#include "edgepost/status.hpp"
#include "transport/https/message.hpp"

namespace edgepost::https {

/// A text with `{fields}`, taken apart once.
class Pattern {
 public:
  /// How values are escaped for the place where they stand.
  enum class Escape : unsigned char {
    none,    ///< As they are.
    path,    ///< Percent-encoded.
    header,  ///< Percent-encoded as the CloudEvents HTTP binding has it.
    json,    ///< As the content of a JSON string; JSON data as it is.
  };

  /// Errors: invalid_argument, naming `option` and the position: a brace that is never closed, an
  /// unknown field.
  static Result<Pattern> parse(std::string_view option, std::string_view text, Escape escape);

  [[nodiscard]] std::string expand(const Event& event, std::string_view device_id) const;

 private:
  struct Piece {
    std::string literal;    ///< Stands before the field.
    std::string field;      ///< Empty: none.
    std::string attribute;  ///< With field `attribute`.
  };
  Escape escape_ = Escape::none;
  std::vector<Piece> pieces_;
};

/// See edgepost::RequestTemplate.
class CompiledTemplate {
 public:
  /// Errors: invalid_argument, naming the option `request.…` and the position: unknown method, path
  /// with characters no URI has, malformed content type or header, malformed pattern, a response
  /// field with an empty name.
  static Result<CompiledTemplate> compile(const RequestTemplate& source, std::string device_id);

  /// The request; its target is only what goes behind the URL's own path.
  [[nodiscard]] Request expand(const Event& event) const;

 private:
  struct HeaderPattern {
    std::string name;
    Pattern value;
  };
  std::string method_;
  std::string content_type_;
  std::string device_id_;
  Pattern path_;
  Pattern body_;
  std::vector<HeaderPattern> headers_;
};

/// Checks a header that users add: a token for a name, visible ASCII for a value, and none of those
/// that the transport sets itself.
/// Errors: invalid_argument, naming `option`.
Status validate_header(std::string_view option, const HttpHeader& header);

}  // namespace edgepost::https
