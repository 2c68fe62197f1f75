// What comes from upstream: into the inbox stream, once, before it is confirmed.
#include <algorithm>
#include <utility>

#include "gateway_parts.hpp"

namespace edgepost {
namespace {

constexpr std::size_t kClaimBytesMax = 255;  // Transaction::claim's

// Two of FNV-1a (Noll), each over the whole text: 128 bits, so that no two identities meet by
// chance. Who writes them could name another's event anyway.
std::string digest(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (const std::uint64_t start : {0xcbf29ce484222325U, 0x6c62272e07bb0142U}) {
    std::uint64_t hash = start;
    for (const char c : text)
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    for (unsigned shift = 64; shift > 0; shift -= 4)
      digits += kDigits[(hash >> (shift - 4)) & 15U];
  }
  return digits;
}

// A claim's id for an identity of any length.
std::string claim_id(std::string_view identity) {
  if (identity.size() <= kClaimBytesMax) return std::string(identity);
  const std::string end = digest(identity);
  return std::string(identity.substr(0, kClaimBytesMax - end.size())) + end;
}

std::string cursor_note(std::string_view uplink, std::string_view address) {
  return "cursor/" + std::string(uplink) + "/" + std::string(address);
}

}  // namespace

/// What one transaction has done so far.
struct Gateway::Parts::Receiving {
  InboxCount count;
  std::vector<const Event*> stored;
  std::size_t reached = 0;  // Events before the one that failed.
};

Status Gateway::Parts::receive_one(store::Session& session, const Link& link, Received& received,
                                   Receiving& done) {
  const auto guessed_at = complete_event(received.event);
  if (!guessed_at) {
    received.refusal = guessed_at.status();
    ++done.count.refused;
    return {};
  }
  if (!received.identity.empty()) {
    const Result<bool> is_first = session.claim("inbox/" + link.name, claim_id(received.identity));
    if (!is_first) return is_first.status();
    if (!*is_first) ++done.count.again;
    if (!*is_first) return {};
  }
  store::StreamLog* const streams[] = {link.inbox};
  const auto sequence = session.append(streams, received.event, *guessed_at);
  if (!sequence) return sequence.status();
  received.event.sequence = *sequence;
  done.stored.push_back(&received.event);
  ++done.count.stored;
  return {};
}

Status Gateway::Parts::receive_all(const Link& link, std::string_view address,
                                   std::span<Received> events, Receiving& done) {
  std::string_view cursor;
  const Status status = store->transact([&](store::Session& session) -> Status {
    for (Received& received : events) {
      if (Status one = receive_one(session, link, received, done); !one.is_ok()) return one;
      if (!received.cursor.empty()) cursor = received.cursor;
      ++done.reached;
    }
    return cursor.empty() ? Status() : session.set_note(cursor_note(link.name, address), cursor);
  });
  if (!status.is_ok()) return status;
  for (const Event* event : done.stored)
    hand_out(*event);
  return {};
}

Result<InboxCount> Gateway::Parts::receive(Link& link, std::string_view address,
                                           std::span<Received> events) {
  Receiving done;
  Status status = receive_all(link, address, events, done);
  for (const Received& received : events) {
    const std::string& refusal = received.refusal.message();
    if (!status.is_ok() || refusal.empty() || refusal == link.refusal) continue;
    link.refusal = refusal;
    options.platform.logger->write(LogLevel::warning, "uplink",
                                   link.name + ": event from upstream refused: " + refusal);
  }
  if (status.is_ok()) return done.count;
  // An inbox with less room than what came at once would never take any of it. So it takes the
  // beginning, provided that this is recognised when the upstream sends all of it again.
  const auto begin = events.first(done.reached < events.size() ? done.reached : 0);
  const bool is_known_again = std::none_of(
      begin.begin(), begin.end(), [](const Received& one) { return one.identity.empty(); });
  if (status.code() == Code::full && !begin.empty() && is_known_again) {
    Receiving part;
    if (Status again = receive_all(link, address, begin, part); !again.is_ok()) return again;
  }
  return status;
}

std::string Gateway::Parts::cursor(const Link& link, std::string_view address) {
  const auto note = store->note(cursor_note(link.name, address));
  if (!note) options.platform.logger->write(LogLevel::warning, "store", note.status().message());
  return note ? note->value_or("") : "";
}

}  // namespace edgepost
