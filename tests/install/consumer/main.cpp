// The least a firmware does: this must build with nothing but what an installation gives it.
#include <edgepost/status.hpp>

#include <cstdio>

int main() {
  const edgepost::Status status;
  const bool good = status.is_ok() && edgepost::to_string(edgepost::Code::full) == "full";
  std::puts(good ? "good" : "bad");
  return good ? 0 : 1;
}
