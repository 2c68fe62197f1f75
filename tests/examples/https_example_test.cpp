#include <doctest.h>

#include "support/http_server.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

TEST_CASE("examples: 05_https sends what it publishes, and says that it arrived") {
  HttpServer server([](const HttpRequest& request) {
    const bool is_known = request.header("Authorization") == "Bearer t0ken";
    return HttpResponse{.status = is_known ? 204 : 401};
  });
  const TempDir directory;
  write_file(directory.file("token"), "t0ken\n");
  const Outcome outcome = run(
      {"sh", "-c", "cd \"$0\" && exec \"$@\"", directory.file(""), EDGEPOST_EXAMPLE, server.url()},
      {}, {"TOKEN_FILE=token"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.out.find("5 acknowledged, 0 left") != std::string::npos);
  CHECK(server.ids().size() == 5);
}

}  // namespace edgepost::test
