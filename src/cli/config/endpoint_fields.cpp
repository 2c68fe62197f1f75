#include "cli/config/endpoint_fields.hpp"

#include <array>

#include "cli/config/auth_fields.hpp"
#include "cli/config/tls_fields.hpp"

namespace edgepost::cli {
namespace {

using M = MqttOptions;
using H = HttpsOptions;
using Shape = RequestTemplate;

/// What stands in an endpoint: options of its own, and what all have.
template <typename Options>
struct Whole {
  Options options{};
  std::vector<std::string> tags{};
};
constexpr auto kM = &Whole<M>::options;
constexpr auto kH = &Whole<H>::options;

constexpr std::array kMqtt{
    needed(field<kM, &M::url>("url", "mqtts://HOST[:PORT], mqtt://HOST[:PORT] or mqtt+unix:/PATH")),
    field<&Whole<M>::tags>("tags", "For residency"),
    tls_field<kM, &M::tls>("tls", "For mqtts://"),
    field<kM, &M::client_id>("client_id", "Else edgepost-DEVICE-UPLINK"),
    field<kM, &M::user_name>("user_name", "For the broker"),
    field<kM, &M::password>("password", "Read for each connection"),
    field<kM, &M::topic_template>("topic_template", "Topic on the wire"),
    field<kM, &M::prefix>("prefix", "For {prefix} of the template"),
    field<kM, &M::version>("version", "Of the protocol; 5 is tried first"),
    field<kM, &M::mode>("mode", "CloudEvents in properties or JSON"),
    field<kM, &M::keep_alive>("keep_alive", "5s to 18h"),
    field<kM, &M::allow_mangled_topics>("allow_mangled_topics", "Let topics have . and space"),
    field<kM, &M::presence_topic>("presence_topic", "Where the broker shows whether we are there"),
    field<kM, &M::presence_online>("presence_online", "What it shows while we are"),
    field<kM, &M::presence_offline>("presence_offline", "What it shows while we are not"),
    field<kM, &M::subscriptions>("subscriptions", "Filters to receive into the uplink's inbox"),
    field<kM, &M::inbound_packet_max>("inbound_packet_max", "A larger packet ends the connection",
                                      kBytes),
    field<kM, &M::confirm_topic>("confirm_topic",
                                 "Where consumers confirm ids; else the broker does"),
    field<kM, &M::topic_aliases>("topic_aliases", "Send repeated topics as numbers"),
};

constexpr std::array kRequest{
    field<&Shape::method>("method", "POST, PUT or PATCH"),
    field<&Shape::path>("path", "Behind the URL's own"),
    field<&Shape::content_type>("content_type", "Of the body"),
    field<&Shape::body>("body", "With {fields}, see https.hpp"),
    field<&Shape::headers>("headers", "With {fields}"),
    field<&Shape::response_field>("response_field", "Where the answer has the service's id"),
};

void explain_request(std::size_t indent, std::string& out) {
  explain_object(kRequest, indent, out);
}

void read_request(const wire::JsonNode& node, const Range& /*range*/, Whole<H>& whole,
                  Reading& reading) {
  read_object(node, kRequest, whole.options.request.emplace(), reading);
}

void read_proof(const wire::JsonNode& node, const Range& /*range*/, Whole<H>& whole,
                Reading& reading) {
  read_auth(node, whole.options.auth, reading);
}

constexpr std::array kHttps{
    needed(field<kH, &H::url>("url", "https://HOST[:PORT]/PATH, or http:// with allow_plaintext")),
    field<&Whole<H>::tags>("tags", "For residency"),
    tls_field<kH, &H::tls>("tls", "For https://"),
    Field<Whole<H>>{"auth", "Who we are: one of these", read_proof, nullptr, nullptr, explain_auth},
    field<kH, &H::allow_plaintext>("allow_plaintext", "Let http:// be"),
    field<kH, &H::mode>("mode", "How events stand in a request"),
    Field<Whole<H>>{"request", "A request of your own shape instead", read_request, nullptr,
                    nullptr, explain_request},
    field<kH, &H::headers>("headers", "More headers of each request"),
    field<kH, &H::gzip>("gzip", "Compress bodies above 512 bytes"),
    field<kH, &H::batch_events_max>("batch_events_max", "In one request", Range{1, 10'000}),
    field<kH, &H::request_bytes_max>("request_bytes_max", "Of a body, before compression", kBytes),
    field<kH, &H::response_bytes_max>("response_bytes_max", "A longer answer is none", kBytes),
    field<kH, &H::connect_timeout>("connect_timeout", "For TCP and TLS"),
    field<kH, &H::response_timeout>("response_timeout", "Without a byte of the answer"),
    field<kH, &H::total_timeout>("total_timeout", "For one request, 30s at most"),
    field<kH, &H::inbound>("inbound", "How events come in, to the uplink's inbox"),
    field<kH, &H::inbound_url>("inbound_url", "From where; else url"),
};

template <typename Options>
void read_by(std::span<const Field<Whole<Options>>> table, const wire::JsonNode& node,
             EndpointPlan& plan, Reading& reading) {
  Whole<Options> whole;
  read_object(node, table, whole, reading);
  if (needs_tls(whole.options.url) && node.find("tls") == nullptr) {
    read_tls(node, nullptr, whole.options.tls, reading);
  }
  plan.options = std::move(whole.options);
  plan.tags = std::move(whole.tags);
}

}  // namespace

std::optional<bool> is_https_url(std::string_view url) {
  if (url.starts_with("https://") || url.starts_with("http://")) return true;
  if (url.starts_with("mqtt://") || url.starts_with("mqtts://") || url.starts_with("mqtt+unix:")) {
    return false;
  }
  return std::nullopt;
}

bool needs_tls(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("mqtts://");
}

void read_endpoint(const wire::JsonNode& node, EndpointPlan& plan, Reading& reading) {
  plan.origin = origin_of(node);
  const wire::JsonNode* const url = node.find("url");
  const auto is_https = is_https_url(url == nullptr ? "mqtt://" : url->text);
  if (!is_https) {
    return reading.complain(*url, "mqtt://, mqtts://, mqtt+unix:, https:// or http:// is wanted");
  }
  *is_https ? read_by<H>(kHttps, node, plan, reading) : read_by<M>(kMqtt, node, plan, reading);
}

void explain_endpoints(std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  out.append(margin).append("of a broker:\n");
  explain_object(kMqtt, indent + 2, out);
  out.append(margin).append("of a web server:\n");
  explain_object(kHttps, indent + 2, out);
}

}  // namespace edgepost::cli
