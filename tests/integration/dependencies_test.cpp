// The third-party libraries are the ones we pinned, built the way the design needs.
#include <doctest.h>
#include <mosquitto.h>
#include <sqlite3.h>
#include <yyjson.h>

#include <cstring>
#include <string_view>

#ifdef EDGEPOST_TEST_MBEDTLS
extern "C" {
#include <mbedtls/gcm.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
}
#endif
#ifdef EDGEPOST_TEST_HTTPLIB
#include <httplib.h>
#endif

namespace {

class Database {
 public:
  Database() {
    REQUIRE(sqlite3_initialize() == SQLITE_OK);
    REQUIRE(sqlite3_open(":memory:", &handle_) == SQLITE_OK);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(handle_); }

  int number(const char* query) {
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(handle_, query, -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const int value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
  }

 private:
  sqlite3* handle_ = nullptr;
};

bool parses(std::string_view text) {
  yyjson_doc* document = yyjson_read(text.data(), text.size(), YYJSON_READ_NOFLAG);
  yyjson_doc_free(document);
  return document != nullptr;
}

}  // namespace

TEST_CASE("sqlite: the version has the fixes we rely on") {
  CHECK(sqlite3_libversion_number() >= 3'040'000);
  CHECK(sqlite3_libversion_number() == SQLITE_VERSION_NUMBER);
  CHECK(sqlite3_threadsafe() != 0);
}

TEST_CASE("sqlite: a query gives its answer") {
  Database database;
  CHECK(database.number("SELECT 6 * 7") == 42);
}

#ifdef EDGEPOST_BUNDLED
TEST_CASE("sqlite: the build has the options the store counts on") {
  CHECK(sqlite3_compileoption_used("THREADSAFE=2"));
  CHECK(sqlite3_compileoption_used("DEFAULT_WAL_SYNCHRONOUS=2"));
  CHECK(sqlite3_compileoption_used("DEFAULT_FOREIGN_KEYS"));
  CHECK(sqlite3_compileoption_used("OMIT_LOAD_EXTENSION"));
  CHECK_FALSE(sqlite3_compileoption_used("OMIT_INCRBLOB"));
  CHECK_FALSE(sqlite3_compileoption_used("SECURE_DELETE"));
  Database database;
  CHECK(database.number("PRAGMA foreign_keys") == 1);
  CHECK(database.number("PRAGMA synchronous") == 2);
}
#endif

TEST_CASE("mosquitto: the client library speaks MQTT 5") {
  int major = 0;
  int minor = 0;
  int revision = 0;
  mosquitto_lib_version(&major, &minor, &revision);
  CHECK(major == 2);
  REQUIRE(mosquitto_lib_init() == MOSQ_ERR_SUCCESS);
  mosquitto* client = mosquitto_new("dependencies", true, nullptr);
  REQUIRE(client != nullptr);
  CHECK(mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5) ==
        MOSQ_ERR_SUCCESS);
  mosquitto_destroy(client);
  mosquitto_lib_cleanup();
}

TEST_CASE("yyjson: integers keep their 64 bits") {
  constexpr std::string_view kText = R"({"n":18446744073709551615})";
  yyjson_doc* document = yyjson_read(kText.data(), kText.size(), YYJSON_READ_NOFLAG);
  REQUIRE(document != nullptr);
  yyjson_val* value = yyjson_obj_get(yyjson_doc_get_root(document), "n");
  CHECK(yyjson_get_uint(value) == 18446744073709551615ULL);
  yyjson_doc_free(document);
}

TEST_CASE("yyjson: what is not strict JSON is refused") {
  CHECK(parses("[1]"));
  CHECK_FALSE(parses("[1,]"));
  CHECK_FALSE(parses("[NaN]"));
  CHECK_FALSE(parses("[1] // comment"));
  CHECK_FALSE(parses("[01]"));
}

#ifdef EDGEPOST_TEST_MBEDTLS
TEST_CASE("mbedtls: it is 3.6 and knows TLS 1.3") {
  const bool is_36 = MBEDTLS_VERSION_NUMBER >= 0x03060000 && MBEDTLS_VERSION_NUMBER < 0x04000000;
  CHECK(is_36);
#ifdef MBEDTLS_SSL_PROTO_TLS1_3
  mbedtls_ssl_config config;
  mbedtls_ssl_config_init(&config);
  CHECK(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) == 0);
  mbedtls_ssl_config_free(&config);
#else
  FAIL("TLS 1.3 is not compiled in");
#endif
}

#ifdef MBEDTLS_SELF_TEST
TEST_CASE("mbedtls: SHA-256 and AES-GCM give the known answers") {
  CHECK(mbedtls_sha256_self_test(0) == 0);
  CHECK(mbedtls_gcm_self_test(0) == 0);
}
#endif
#endif

#ifdef EDGEPOST_TEST_HTTPLIB
TEST_CASE("httplib: its settings are ours") {
  CHECK(CPPHTTPLIB_SEND_FLAGS == MSG_NOSIGNAL);
  CHECK(CPPHTTPLIB_TCP_NODELAY);
  CHECK(CPPHTTPLIB_THREAD_POOL_COUNT == 2);
  CHECK(std::strlen(CPPHTTPLIB_VERSION) > 0);
}
#endif
