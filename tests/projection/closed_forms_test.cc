#include "runtime/projection/closed_forms.h"

#include <gtest/gtest.h>

#include "runtime/projection/accelerator_model.h"

namespace sterna::projection {
namespace {

// 4 workers, 1000 parameters of 4 bytes, 1 of 10 sent: k = 100. The values below are short decimals, but 1 /
// rate is not exact in binary: some roundings of 2^-53 each.
constexpr ClosedFormInput kSmall{.workers = 4, .parameters = 1000, .rate = 10, .value_bytes = 4};
constexpr double kRoundings = 1e-9;

TEST(ClosedForms, OfDenseGradients) {
  EXPECT_EQ(dense_server(kSmall).sent, 4000);
  EXPECT_EQ(dense_server(kSmall).received, 4000);
  EXPECT_EQ(dense_ring(kSmall).sent, 6000);  // 2 x 3 / 4 x 4000
  EXPECT_EQ(dense_ring(kSmall).total(), 12000);
}

TEST(ClosedForms, OfLocalTopK) {
  // Not chosen by any of 4: 0.9^4 = 0.6561, so 343.9 of 1000 are in the union; 8 bytes each.
  EXPECT_NEAR(expected_union(kSmall), 343.9, kRoundings);
  EXPECT_EQ(local_topk_server(kSmall).sent, 800);
  EXPECT_NEAR(local_topk_server(kSmall).received, 2751.2, kRoundings);
  EXPECT_EQ(local_topk_gather(kSmall).sent, 2400);  // 3 x 100 x 8
  EXPECT_EQ(local_topk_gather(kSmall).received, 2400);
}

TEST(ClosedForms, OfScaleCom) {
  // 400 bytes of values each way; 400 of indices down, and a fourth of that up.
  EXPECT_EQ(scalecom_server(kSmall).sent, 500);
  EXPECT_EQ(scalecom_server(kSmall).received, 800);
  EXPECT_EQ(scalecom_ring(kSmall).sent, 900);  // 3 / 4 x (2 x 400 + 400)
}

TEST(ClosedForms, OfAdaComp) {
  // 100 codes of 16 bits and 2 scales: 208 bytes, to 3 others.
  EXPECT_EQ(adacomp_gather(kSmall, /*layers=*/2, /*bits_per_element=*/16).sent, 624);
}

TEST(ClosedForms, SayThatTheUnionOfManyOutgrowsADenseGradient) {
  // 1 - (95 / 96)^128 = 0.7382 of p at 8 bytes, against p at 4.
  const ClosedFormInput many{.workers = 128, .parameters = 1e6, .rate = 96, .value_bytes = 4};
  EXPECT_NEAR(expected_union(many) / many.parameters, 0.738, 0.0005);
  EXPECT_GT(local_topk_server(many).received, dense_server(many).received);
  // (4 + 4 / 128 + 4 + 4) / (8 x 96) = 1.57 %.
  EXPECT_NEAR(scalecom_server(many).total() / dense_server(many).total(), 0.0157, 0.00005);
}

// Speed-ups that a secondary source has of ScaleCom's table: 2 and 1.23 at 100 TFLOP/s, 4.1 and 1.75 at 300
// TFLOP/s, in two or three digits. The model knows neither link nor utilisation of the paper.
//   calibrated: 1 + comm / comp with comm = comp at (8 samples, 100 TFLOP/s): 1 + 1, 1 + 1/4, 1 + 3, 1 + 3/4,
//   exactly;
//               off the source's by 0, 1.6, 2.4 and 0 %
//   physical:   dense comm 2 x 4 x 25.56e6 / 64e9 = 3.195 ms; comp 8 x 24.54e9 / 75e12 = 2.618 ms; r
//   = 1.2206. ScaleCom
//               leaves f = 12.03 / 768 = 0.01567 of comm. (1 + r) / (1 + r f) = 2.179, with r / 4, 3 r, 3 r /
//               4: 1.299, 4.409, 1.888; off the source's by 9, 5.6, 7.5 and 7.9 %
TEST(AcceleratorTable, HasTheSpeedUpsOfScaleComs) {
  const std::vector<AcceleratorRow> rows = accelerator_table();
  ASSERT_EQ(rows.size(), 4u);
  const double calibrated[] = {2.0, 1.25, 4.0, 1.75};
  const double physical[] = {2.179, 1.299, 4.409, 1.888};
  const double reported[] = {2.0, 1.23, 4.1, 1.75};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_NEAR(rows[i].calibrated, calibrated[i], 1e-12);  // a few roundings
    EXPECT_NEAR(rows[i].physical, physical[i], 0.0005);     // half of the last digit
    EXPECT_NEAR(rows[i].calibrated / reported[i], 1.0, 0.025);
    EXPECT_NEAR(rows[i].physical / reported[i], 1.0, 0.095);
  }
  EXPECT_EQ(rows[2].peak_flops_per_second, 300e12);
  EXPECT_EQ(rows[3].samples, 32);
}

TEST(AcceleratorTable, RestsOnAPlausibleUtilisation) {
  // comp = comm: 8 x 24.54e9 / (100e12 u) = 3.195e-3, u = 0.6145.
  EXPECT_NEAR(calibrated_model(100e12).utilisation, 0.6145, 0.0001);
  // The dense exchange is 55 and 23 % of a step of 8 and 32 samples: r / (1 + r), r as above.
  const AcceleratorModel model = physical_model(100e12);
  const double comm = model.communication_seconds(dense_server({.parameters = model.parameters}));
  EXPECT_NEAR(comm / (comm + model.compute_seconds(8)), 0.550, 0.0005);
  EXPECT_NEAR(comm / (comm + model.compute_seconds(32)), 0.234, 0.0005);
}

}  // namespace
}  // namespace sterna::projection
