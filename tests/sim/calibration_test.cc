// The default Internet resembles the real one as far as its figures are published.
#include <gtest/gtest.h>

#include <iostream>

#include "fixture.h"
#include "sim/report/calibration.h"

namespace backsight::sim::testing {
namespace {

TEST(Calibration, TheDefaultInternetIsWithinThreePointsOfWhatIsPublished) {
  const auto world = make_world({});
  const auto figures = calibrate(*world, 2500, [](double) {});
  std::cout << calibration_table(*world, figures);
  for (const Figure& figure : figures) {
    EXPECT_TRUE(!figure.is_held || figure.fits()) << figure.name << ": " << figure.simulated;
    EXPECT_LE(figure.tolerance, 3);
  }
}

TEST(Calibration, AnInternetUnlikeTheRealOneDoesNotFit) {
  config::WorldConfig config = calm_config();
  config.behaviour.hosts_answer_options = 0.3;
  const auto world = make_world(config);
  const auto figures = calibrate(*world, 200, [](double) {});
  EXPECT_FALSE(figures.front().fits());
}

}  // namespace
}  // namespace backsight::sim::testing
