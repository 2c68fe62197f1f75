#pragma once

#include <memory>

#include "cli/config/field.hpp"

namespace edgepost::cli {

/// Makes TLS from `node`, or with the machine's own roots when it is null.
void read_tls(const wire::JsonNode& place, const wire::JsonNode* node, std::shared_ptr<Tls>& out,
              Reading& reading);

/// Appends what may stand in a `tls` object.
void explain_tls(std::size_t indent, std::string& out);

/// A field that holds TLS options.
template <auto... Path>
constexpr auto tls_field(std::string_view name, std::string_view help) {
  using At = Place<Path...>;
  using Object = typename At::Object;
  return Field<Object>{
      .name = name,
      .help = help,
      .read = [](const wire::JsonNode& node, const Range& /*range*/, Object& object,
                 Reading& reading) { read_tls(node, &node, At::in(object), reading); },
      .explain = explain_tls};
}

}  // namespace edgepost::cli
