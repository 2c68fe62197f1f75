#include <utility>
#include <vector>

#include "gateway_parts.hpp"

namespace edgepost {

struct Transaction::Context {
  Gateway::Parts& parts;
  store::Session& session;
  std::vector<Event> published;  // handed out after the commit
};

Status Transaction::execute(std::string_view sql, std::initializer_list<SqlValue> values) {
  return context_.session.execute(sql, values);
}

Result<Receipt> Transaction::publish(Event event) {
  const Result<std::vector<store::StreamLog*>> streams = context_.parts.prepare(event);
  if (!streams) return streams.status();
  for (store::StreamLog* stream : *streams) {
    const Result<std::uint64_t> sequence = context_.session.append(*stream, event);
    if (!sequence) return sequence.status();
    if (stream == streams->front()) event.sequence = *sequence;
  }
  Receipt receipt{event.id, event.sequence};
  context_.published.push_back(std::move(event));
  return receipt;
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
  std::vector<Event> published;
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
