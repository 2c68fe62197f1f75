#pragma once

#include "edgepost/transport.hpp"

namespace edgepost::mqtt {

/// What a CONNACK other than 0 means: reason codes of MQTT 5.0, section 3.2.2.2, or return codes
/// of MQTT 3.1.1, section 3.2.2.3.
Answer connect_answer(int code, bool is_v5);

/// What a PUBACK means (MQTT 5.0, section 3.4.2.1); under 3.1.1 the code is always 0.
Answer publish_answer(int code);

/// What a code of 0x80 or more in a SUBACK means (MQTT 5.0, section 3.9.3); 3.1.1 has but one.
Answer subscribe_answer(int code, bool is_v5);

/// What the broker's DISCONNECT means (MQTT 5.0, section 3.14.2.1).
Answer disconnect_answer(int code);

}  // namespace edgepost::mqtt
