// The outbox: a row of your own and the event that tells of it are stored together or not at all.
#include <cstdio>
#include <edgepost/gateway.hpp>
#include <string>

using namespace edgepost;

namespace {

Status prepare(Gateway& gateway) {
  if (Status status = gateway.create_stream({.name = "outbox"}); !status.is_ok()) return status;
  if (Status status = gateway.route("orders/#", "outbox"); !status.is_ok()) return status;
  return gateway.transact([](Transaction& transaction) {
    return transaction.execute(
        "CREATE TABLE IF NOT EXISTS orders(number TEXT PRIMARY KEY, pieces INTEGER NOT NULL)");
  });
}

Status take_order(Gateway& gateway, const std::string& number, std::int64_t pieces) {
  return gateway.transact([&](Transaction& transaction) -> Status {
    const auto receipt = transaction.publish(
        {.topic = "orders/taken", .data = std::to_string(pieces), .key = number});
    if (!receipt) return receipt.status();
    return transaction.execute("INSERT INTO orders(number, pieces) VALUES(?, ?)",
                               {std::string_view(number), pieces});
  });
}

}  // namespace

int main(int count, char** arguments) {
  const std::string database = count > 1 ? arguments[1] : "outbox.db";
  auto opened = Gateway::open({.database = database});
  if (!opened || !prepare(**opened).is_ok()) {
    std::fprintf(stderr, "cannot use %s\n", database.c_str());
    return 1;
  }
  Gateway& gateway = **opened;

  const Status first = take_order(gateway, "A-1", 12);
  std::printf("A-1: %s\n", first.is_ok() ? "taken" : first.message().c_str());
  // The same number again: the row is refused, so its event, published before, is gone with it.
  const Status again = take_order(gateway, "A-1", 99);
  std::printf("A-1 again: %s\n", again.is_ok() ? "taken" : again.message().c_str());

  const auto events = gateway.read("outbox", Position::start());
  if (!events) return 1;
  for (const Event& event : *events) {
    std::printf("event %s: order %s, %s pieces\n", event.id.to_string().c_str(), event.key.c_str(),
                event.data.c_str());
  }
  return !again.is_ok() && events->size() == 1 && events->front().data == "12" ? 0 : 1;
}
