#pragma once

namespace edgepost::test {

// A root, a server for gate.example with its key (also with the password "open sesame"), the root's
// key, and an empty revocation list of the root's. Valid until 2076, made by openssl.

constexpr const char* kRoot = R"(-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUOyTFaF6PQe3mvaJ+orvbXz3iIggwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjExODM1MjFaGA8yMDc2MDMwMzE4MzUy
MVowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHp9
K9sWUfNrtjCl8YAiHqO/Dktf9qJwhdLSKYHW6GYyxSsVrQnGgvZ+OVKKo8coI+m9
XFplfUxOAgXYsWqQxmijUzBRMB0GA1UdDgQWBBRm6MbzaGhytAYG8ghtSiV57+Wr
QjAfBgNVHSMEGDAWgBRm6MbzaGhytAYG8ghtSiV57+WrQjAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCqVgdA33Xu5s3yPG4/Akf7YsPPUyNo+Y0F
iu4rIZgjvQIgdiuTJJuVlhQAxXDHcFqNKpCoRqUQwfNZ8Twh080UYqo=
-----END CERTIFICATE-----
)";

constexpr const char* kServer = R"(-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUbqoHdwq6MCpDS1ptnl0yNwrcpgkwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjExODM1MjFaGA8yMDc2MDMwMzE4MzUy
MVowETEPMA0GA1UEAwwGc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
zJA4xhqxaqCR6zMt7CqFtyLjwbsvAoaJKXgo8Nvi2hLTKPQgo5lMR7Qj7UMrIQIq
8FEVVlcnN7XF/8r486o7DKNbMFkwFwYDVR0RBBAwDoIMZ2F0ZS5leGFtcGxlMB0G
A1UdDgQWBBTaIfquiZidBSmNN3TklShuP6PRjDAfBgNVHSMEGDAWgBRm6MbzaGhy
tAYG8ghtSiV57+WrQjAKBggqhkjOPQQDAgNJADBGAiEAgGfJQ7JN3sjMnrxfRO8I
84xD3ko+ZlNCh9DvbNna9loCIQDwNacAnIZSGWIQTOJmAaqWaFXWQq6WQh6AzRW+
W82DoQ==
-----END CERTIFICATE-----
)";

constexpr const char* kServerKey = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvvmJzkKS5PipswIz
xGlcQ4YIhahVKahhyYA8Z4ra2SGhRANCAATMkDjGGrFqoJHrMy3sKoW3IuPBuy8C
hokpeCjw2+LaEtMo9CCjmUxHtCPtQyshAirwURVWVyc3tcX/yvjzqjsM
-----END PRIVATE KEY-----
)";

constexpr const char* kLockedKey = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgY+T10KthjDgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEOgR8hTMM9gHAoH4QMZg6NoEgZAU
LRtJl4R3nUgBpa0CEA6KnuldLNe6rruXp4dZOVxVtQveeMRsxiARH+wNxqBylgLO
eXh++RKHMCjj6VUgQwKoL808lVLE+6JGxyHhf//ly+a9rGPCfr2WEfpuSLkhCdx+
vi0ZXz1m7DO3MeoVchaXfdZKgi7y5wi6jnzD3zKUEkm22IjsDa6BQGBvhCpv9qI=
-----END ENCRYPTED PRIVATE KEY-----
)";

constexpr const char* kRootKey = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnPye2FhXDTT5w7kN
tZONMjr1n82P4ZtZOLNRSniTBE+hRANCAAR6fSvbFlHza7YwpfGAIh6jvw5LX/ai
cIXS0imB1uhmMsUrFa0JxoL2fjlSiqPHKCPpvVxaZX1MTgIF2LFqkMZo
-----END PRIVATE KEY-----
)";

constexpr const char* kNothingRevoked = R"(-----BEGIN X509 CRL-----
MIGVMD0wCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEcm9vdBcNMjYxMTIxMTgzNTIx
WhgPMjA1MTA3MTMxODM1MjFaMAoGCCqGSM49BAMCA0gAMEUCIEdCynzJyjG14Wr1
sDyWVtVow/mJIZlwzSZB6nuakS1jAiEAr0i1nlQy5uS5ROvOdIRQioj15zkLJM6R
wUWYejy3C14=
-----END X509 CRL-----
)";

}  // namespace edgepost::test
