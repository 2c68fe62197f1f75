#include <doctest.h>
#include <sqlite3.h>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

namespace {

struct SessionFixture : GatewayFixture {
  SessionFixture() {
    open();
    REQUIRE(gateway
                ->transact([](Transaction& transaction) {
                  return transaction.execute("CREATE TABLE r (name TEXT UNIQUE)");
                })
                .is_ok());
  }

  static Status add(Transaction& transaction, const std::string& data) {
    if (Status status = transaction.execute("INSERT INTO r VALUES (?)", {data}); !status.is_ok()) {
      return status;
    }
    return transaction.publish({.topic = "a", .data = data}).status();
  }

  static int run(Transaction& transaction, const char* sql) {
    auto* db = static_cast<sqlite3*>(transaction.native_handle());
    return sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  }

  // The rows of the caller's table, in the order of insertion.
  Texts rows() {
    Texts names;
    const Status status = gateway->transact([&names](Transaction& transaction) -> Status {
      sqlite3_stmt* select = nullptr;
      auto* db = static_cast<sqlite3*>(transaction.native_handle());
      sqlite3_prepare_v2(db, "SELECT name FROM r ORDER BY rowid", -1, &select, nullptr);
      while (sqlite3_step(select) == SQLITE_ROW) {
        names.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(select, 0)));
      }
      sqlite3_finalize(select);
      return {};
    });
    REQUIRE(status.is_ok());
    return names;
  }

  void check_all(const Texts& expected) {
    CHECK(stored() == expected);
    CHECK(rows() == expected);
    CHECK(test::balances(outbox().ledger));
    CHECK(outbox().ledger.published == expected.size());
    check_sound();
  }
};

const Status kNo(Code::refused, "no");

}  // namespace

TEST_CASE_FIXTURE(SessionFixture,
                  "nested: a failed part is undone, the rest goes on [P-02][P-03]") {
  std::vector<std::string> heard;
  const auto subscription = gateway->subscribe("#", [&heard](const Event& event) {
    heard.push_back(event.data);
    return Status();
  });
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    CHECK(add(transaction, "before").is_ok());
    const Status part = transaction.nested([&]() -> Status {
      CHECK(add(transaction, "ghost").is_ok());
      CHECK(*transaction.claim("s", "ghost"));
      return kNo;
    });
    CHECK(part.code() == Code::refused);
    CHECK(part.message() == "no");
    CHECK(*transaction.claim("s", "ghost"));
    CHECK(transaction.publish({.topic = "a", .data = "after"})->sequence == 2);
    return transaction.execute("INSERT INTO r VALUES ('after')");
  });
  REQUIRE(status.is_ok());
  CHECK(heard == Texts{"before", "after"});
  check_all({"before", "after"});
}

TEST_CASE_FIXTURE(SessionFixture, "nested: one that succeeds is stored with the rest [P-03]") {
  const auto both = [](Transaction& transaction) -> Status {
    if (Status status = add(transaction, "outer"); !status.is_ok()) return status;
    return transaction.nested([&] { return add(transaction, "inner"); });
  };
  CHECK_FALSE(gateway
                  ->transact([&](Transaction& transaction) -> Status {
                    CHECK(both(transaction).is_ok());
                    return kNo;
                  })
                  .is_ok());
  check_all({});
  REQUIRE(gateway->transact(both).is_ok());
  check_all({"outer", "inner"});
}

TEST_CASE_FIXTURE(SessionFixture, "nested: each depth is undone on its own [P-02][P-03]") {
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    return transaction.nested([&]() -> Status {
      CHECK(add(transaction, "1").is_ok());
      const Status failed = transaction.nested([&]() -> Status {
        CHECK(add(transaction, "ghost 1").is_ok());
        CHECK(transaction.nested([&] { return add(transaction, "ghost 2"); }).is_ok());
        return kNo;
      });
      CHECK(failed.code() == Code::refused);
      CHECK(transaction.nested([&] { return add(transaction, "2"); }).is_ok());
      return add(transaction, "3");
    });
  });
  REQUIRE(status.is_ok());
  check_all({"1", "2", "3"});
}

TEST_CASE_FIXTURE(SessionFixture, "nested: large events written inside it are undone [P-02]") {
  const std::string large(70'000, 'g');  // larger than a segment, so that it is inserted at once
  const Status status = gateway->transact([&](Transaction& transaction) -> Status {
    CHECK(add(transaction, "1").is_ok());
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(transaction
                      .nested([&]() -> Status {
                        CHECK(add(transaction, large).is_ok());
                        CHECK(add(transaction, "small").is_ok());
                        return kNo;
                      })
                      .is_ok());
    }
    CHECK(add(transaction, large).is_ok());
    return add(transaction, "3");
  });
  REQUIRE(status.is_ok());
  check_all({"1", large, "3"});
}

TEST_CASE_FIXTURE(SessionFixture, "nested: a constraint that fails inside it costs only the part") {
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    CHECK(add(transaction, "1").is_ok());
    const Status part = transaction.nested([&]() -> Status {
      CHECK(add(transaction, "ghost").is_ok());
      return transaction.execute("INSERT INTO r VALUES ('1')");
    });
    CHECK(part.code() == Code::invalid_argument);
    CHECK(transaction.nested({}).code() == Code::invalid_argument);
    return add(transaction, "2");
  });
  REQUIRE(status.is_ok());
  check_all({"1", "2"});
}

TEST_CASE_FIXTURE(SessionFixture, "nested: what was undone takes no room in a stream with limits") {
  REQUIRE(gateway->change_stream({.name = "outbox", .max_events = 3}).is_ok());
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    CHECK(add(transaction, "1").is_ok());
    for (int i = 0; i < 5; ++i) {
      CHECK(transaction
                .nested([&]() -> Status {
                  CHECK(add(transaction, "ghost 1").is_ok());
                  CHECK(add(transaction, "ghost 2").is_ok());
                  return kNo;
                })
                .code() == Code::refused);
    }
    CHECK(add(transaction, "2").is_ok());
    const Status full = transaction.nested([&]() -> Status {
      CHECK(add(transaction, "ghost 3").is_ok());
      return add(transaction, "ghost 4");
    });
    CHECK(full.code() == Code::full);
    return add(transaction, "3");
  });
  CHECK(status.is_ok());
  check_all({"1", "2", "3"});
}

TEST_CASE_FIXTURE(SessionFixture, "nested: one that ends the transaction makes it fail") {
  for (const char* sql : {"COMMIT", "ROLLBACK", "ROLLBACK; BEGIN IMMEDIATE",
                          "RELEASE edgepost_nested_1", "INSERT OR ROLLBACK INTO r VALUES ('x')"}) {
    CAPTURE(sql);
    const Status status = gateway->transact([sql](Transaction& transaction) -> Status {
      CHECK(transaction.execute("INSERT OR IGNORE INTO r VALUES ('x')").is_ok());
      const Status part = transaction.nested([&]() -> Status {
        run(transaction, sql);
        return {};
      });
      CHECK(part.code() == Code::wrong_state);
      CHECK(transaction.publish({.topic = "a"}).status().code() == Code::wrong_state);
      CHECK(transaction.claim("s", "id").status().code() == Code::wrong_state);
      CHECK(transaction.nested([] { return Status(); }).code() == Code::wrong_state);
      return {};
    });
    CHECK(status.code() == Code::wrong_state);
  }
  CHECK(stored().empty());
  CHECK(publish("works").sequence == 1);
  check_sound();
}

TEST_CASE_FIXTURE(SessionFixture,
                  "transaction: a hole that the caller's savepoint leaves fails it") {
  const std::string large(70'000, 'g');
  for (const bool goes_on : {false, true}) {
    const Status status = gateway->transact([&](Transaction& transaction) -> Status {
      CHECK(run(transaction, "SAVEPOINT mine") == SQLITE_OK);
      CHECK(transaction.publish({.topic = "a", .data = large}).is_ok());
      CHECK(run(transaction, "ROLLBACK TO mine") == SQLITE_OK);
      if (goes_on) (void)transaction.publish({.topic = "a", .data = large});
      return {};
    });
    CHECK(status.code() == Code::wrong_state);
    CHECK(status.message().find("outbox") != std::string::npos);
  }
  check_all({});
}

TEST_CASE_FIXTURE(SessionFixture,
                  "transaction: a publish leaves the caller's connection as it was") {
  int authorized = 0;
  const std::string large(70'000, 'g');
  const Status status = gateway->transact([&](Transaction& transaction) -> Status {
    auto* db = static_cast<sqlite3*>(transaction.native_handle());
    CHECK(run(transaction, "PRAGMA recursive_triggers=ON; PRAGMA case_sensitive_like=ON") == 0);
    const int length = sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1'000'000);
    const int busy = sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 50);
    sqlite3_set_authorizer(
        db,
        [](void* seen, int, const char*, const char*, const char*, const char*) {
          ++*static_cast<int*>(seen);
          return SQLITE_OK;
        },
        &authorized);
    sqlite3_set_last_insert_rowid(db, 4711);
    CHECK(transaction.publish({.topic = "a", .data = "small"}).is_ok());
    CHECK(transaction.nested([&] { return Status(); }).is_ok());
    CHECK(transaction.publish({.topic = "a", .data = large}).is_ok());
    CHECK(*transaction.claim("s", "id"));
    CHECK(sqlite3_last_insert_rowid(db) == 4711);
    CHECK(sqlite3_limit(db, SQLITE_LIMIT_LENGTH, length) == 1'000'000);
    CHECK(sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, busy) == 50);
    authorized = 0;
    CHECK(run(transaction,
              "INSERT INTO r SELECT 'row ' || recursive_triggers FROM"
              " pragma_recursive_triggers WHERE 'a' NOT LIKE 'A'") == SQLITE_OK);
    CHECK(authorized > 0);
    sqlite3_set_authorizer(db, nullptr, nullptr);
    return {};
  });
  REQUIRE(status.is_ok());
  CHECK(rows() == Texts{"row 1"});
  CHECK(stored() == Texts{"small", large});
}

TEST_CASE_FIXTURE(SessionFixture, "claim: effect and mark commit together, or neither [P-13]") {
  const auto handle = [this](const std::string& id, const Status& outcome) {
    bool is_first = false;
    (void)gateway->transact([&](Transaction& transaction) -> Status {
      is_first = *transaction.claim("mqtt", id);
      if (!is_first) return {};
      CHECK(add(transaction, id).is_ok());
      return outcome;
    });
    return is_first;
  };
  CHECK(handle("m1", kNo));
  check_all({});
  CHECK(handle("m1", {}));
  CHECK_FALSE(handle("m1", {}));
  open();
  CHECK_FALSE(handle("m1", {}));
  CHECK(handle("m2", {}));
  check_all({"m1", "m2"});
}

TEST_CASE_FIXTURE(SessionFixture, "claim: a wrong one leaves the transaction usable") {
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    CHECK(transaction.claim("", "id").status().code() == Code::invalid_argument);
    CHECK(*transaction.claim("s", "id"));
    CHECK_FALSE(*transaction.claim("s", "id"));
    return add(transaction, "1");
  });
  REQUIRE(status.is_ok());
  check_all({"1"});
}
