// Feeds text to every loader of config/. The first byte chooses: 0 vp.yaml, 1 --set, 2 deny list,
// 3 enrolment, 4 fleet key, 5 controller.yaml, 6 its --set, 7 keys.yaml. What vp.yaml and
// controller.yaml give is printed and must load again as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/controller/controller_config.h"
#include "config/keys/api_keys.h"
#include "config/keys/fleet_key.h"
#include "config/lists/deny_list.h"
#include "config/lists/enrolment.h"
#include "config/reading/config_file.h"
#include "config/vp/vp_config.h"

namespace {

using namespace backsight::config;

constexpr char kGood[] =
    "name: a\nid: 1\nports: [{device: net_null0, address: 192.0.2.1/24}]\nidentity: {key_file: "
    "k}\n";

void check_sentences(const Faults& faults) {
  for (const Fault& fault : faults) {
    if (fault.sentence.empty() || to_string(fault).find('\n') != std::string::npos) {
      std::abort();
    }
  }
}

void check_vp(const std::string& text, std::span<const std::string> overrides) {
  const auto config = parse_config<VpConfig>(text, "vp.yaml", overrides);
  if (!config) {
    check_sentences(config.error());
    return;
  }
  const std::string printed = print_config(*config);
  const auto again = parse_config<VpConfig>(printed, "vp.yaml");
  if (!again || print_config(*again) != printed) {
    std::abort();
  }
}

void check_controller(const std::string& text, std::span<const std::string> overrides) {
  const auto config = parse_config<ControllerConfig>(text, "controller.yaml", overrides);
  if (!config) {
    check_sentences(config.error());
    return;
  }
  const std::string printed = print_config(*config);
  const auto again = parse_config<ControllerConfig>(printed, "controller.yaml");
  if (!again || !(*again == *config)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      check_vp(text, {});
      break;
    case 1:
      check_vp(kGood, std::span(&text, 1));
      break;
    case 2:
      if (const auto list = parse_deny_list(text, "deny.txt"); !list) {
        check_sentences(list.error());
      }
      break;
    case 3:
      if (const auto enrolment = parse_enrolment(text, "enrolled.yaml"); !enrolment) {
        check_sentences(enrolment.error());
      }
      break;
    case 4:
      static_cast<void>(parse_fleet_key(text, "fleet.key").has_value());
      break;
    case 5:
      check_controller(text, {});
      break;
    case 6:
      check_controller("queue: {url: \"file:///q\"}\n", std::span(&text, 1));
      break;
    default:
      if (const auto keys = parse_api_keys(text, "keys.yaml"); !keys) {
        if (keys.error().sentence.empty()) std::abort();
      }
  }
  return 0;
}
