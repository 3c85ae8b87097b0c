// NATS's key pairs of users: Ed25519, written in base 32 with a prefix and a CRC-16. The seed is
// the secret; the public key stands in the server's config.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace backsight::queue::nats {

// A new seed of a user: "SU...", 58 characters.
[[nodiscard]] std::string make_user_seed();
// "U...", 56 characters. Fails on what is no seed of a user.
[[nodiscard]] Expected<std::string> public_key_of(std::string_view seed);
// The signature of what the server wants signed. Fails as above.
[[nodiscard]] Expected<std::vector<unsigned char>> sign(std::string_view seed,
                                                        std::string_view nonce);

}  // namespace backsight::queue::nats
