// What TLS must keep out, and what it says about it.
#include "tls_fixture.hpp"
