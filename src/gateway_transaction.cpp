#include <deque>
#include <utility>

#include "gateway_parts.hpp"

namespace edgepost {

struct Transaction::Context {
  Gateway::Parts& parts;
  store::Session& session;
  std::deque<Event> published;  // handed out after the commit; events do not move as it grows

  Result<Receipt> append(const Gateway::Parts::Prepared& prepared, Event&& event);
};

Status Transaction::execute(std::string_view sql, std::initializer_list<SqlValue> values) {
  return context_.session.execute(sql, values);
}

Result<Receipt> Transaction::Context::append(const Gateway::Parts::Prepared& prepared,
                                             Event&& event) {
  if (!prepared.streams.empty()) {
    const auto sequence = session.append(prepared.streams, event, prepared.guessed_at);
    if (!sequence) return sequence.status();
    event.sequence = *sequence;
  }
  Receipt receipt{event.id, event.sequence};
  published.push_back(std::move(event));
  return receipt;
}

Result<Receipt> Transaction::publish(Event event) {
  const auto prepared = context_.parts.prepare(event, Durability::stored);
  if (!prepared) return prepared.status();
  return context_.append(*prepared, std::move(event));
}

Result<Receipt> Transaction::publish_to(std::string_view stream, Event event) {
  const Result<store::StreamLog*> found = context_.parts.store->stream(stream);
  if (!found) return found.status();
  const auto guessed_at = context_.parts.complete_event(event);
  if (!guessed_at) return guessed_at.status();
  return context_.append({{*found}, *guessed_at, Durability::stored}, std::move(event));
}

Status Transaction::nested(const std::function<Status()>& work) {
  if (!work) return {Code::invalid_argument, "nested: no function"};
  const std::size_t before = context_.published.size();
  Status status = context_.session.nested(work);
  if (!status.is_ok()) context_.published.resize(before);
  return status;
}

Result<bool> Transaction::claim(std::string_view scope, std::string_view id) {
  return context_.session.claim(scope, id);
}

void* Transaction::native_handle() const { return context_.session.native_handle(); }

Status Gateway::transact(const std::function<Status(Transaction&)>& work) {
  if (!work) return {Code::invalid_argument, "transact: no function"};
  std::deque<Event> published;
  Status status = parts_->store->transact([&](store::Session& session) {
    Transaction::Context context{*parts_, session, {}};
    Transaction transaction(context);
    Status outcome = work(transaction);
    published = std::move(context.published);
    return outcome;
  });
  if (!status.is_ok()) return status;
  for (const Event& event : published)
    parts_->hand_out(event);
  return {};
}

}  // namespace edgepost
