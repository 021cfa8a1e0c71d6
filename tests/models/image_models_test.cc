// The networks for ImageNet: what a training step of each costs, and which images they take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "models/model.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

TEST(Alexnet, CountsItsTrainingOperations) {
  // The convolutions' weights meet 55^2, 27^2 and three times 13^2 places; 714,188,480 multiplications in
  // all.
  const double convolutions =
      3. * 64 * 121 * 3025 + 64. * 192 * 25 * 729 + (192. * 384 + 384. * 256 + 256. * 256) * 9 * 169;
  EXPECT_EQ(make_model("alexnet", 1)->training_flops_per_sample(),
            6.0 * (convolutions + 9216. * 4096 + 4096. * 4096 + 4096. * 1000));
}

TEST(Vgg16, CountsItsTrainingOperations) {
  // 15,470,264,320 multiplications, as the literature has it (15.5 G). The stages' 3 x 3 weights meet 224^2,
  // 112^2, 56^2, 28^2 and 14^2 places; the fully connected layers' meet one each.
  const double stages = 9. * ((3. * 64 + 64. * 64) * 224 * 224 + (64. * 128 + 128. * 128) * 112 * 112 +
                              (128. * 256 + 2. * 256 * 256) * 56 * 56 +
                              (256. * 512 + 2. * 512 * 512) * 28 * 28 + 3. * 512 * 512 * 14 * 14);
  EXPECT_EQ(make_model("vgg16", 1)->training_flops_per_sample(),
            6.0 * (stages + 25088. * 4096 + 4096. * 4096 + 4096. * 1000));
}

TEST(Resnets, CountTheirTrainingOperations) {
  // The first convolution meets 112^2 places, stage s of width w = 64 * 2^s (56 / 2^s)^2: each 3 x 3
  // convolution of w to w has the same w^2 * 9 * places = 115,605,504, the first of a later stage half, and
  // its shortcut 1/18 of that.
  const double first = 3. * 64 * 49 * 112 * 112, same = 115'605'504.0, down = same / 2 + same / 18;
  EXPECT_EQ(make_model("resnet18", 1)->training_flops_per_sample(),
            6.0 * (first + (4 + 3 * 3) * same + 3 * down + 512. * 1000));
  EXPECT_EQ(make_model("resnet34", 1)->training_flops_per_sample(),
            6.0 * (first + (6 + 7 + 11 + 5) * same + 3 * down + 512. * 1000));
  // Bottlenecks, in units of w^2 * places = 12,845,056: 9 and 4 for the last two convolutions, 4 for the
  // first one of most blocks. The first block of the first stage has 1 there, and a shortcut of 4; that of
  // the later ones has 8 (half the inputs, four times the places), and a shortcut of 8.
  const double unit = 12'845'056.0, usual = 17;
  EXPECT_EQ(make_model("resnet50", 1)->training_flops_per_sample(),
            6.0 * (first + unit * (12 * usual + (13 + 1 + 4) + 3 * (13 + 8 + 8)) + 2048. * 1000));
}

// Weights times the places that they meet of one inverted residual, of whose image's side `before` is the
// length, and `after` that of its output's.
double inverted_residual(double inputs, double expansion, double outputs, double before, double after) {
  const double hidden = inputs * expansion;
  const double widening = expansion > 1 ? inputs * hidden * before * before : 0;
  return widening + hidden * (9 + outputs) * after * after;
}

TEST(MobilenetV2, CountsItsTrainingOperations) {
  // Table 2 of the paper, block by block; 300,774,272 multiplications, which it gives as 300 M.
  double sum = 27. * 32 * 112 * 112 + inverted_residual(32, 1, 16, 112, 112);
  sum += inverted_residual(16, 6, 24, 112, 56) + inverted_residual(24, 6, 24, 56, 56);
  sum += inverted_residual(24, 6, 32, 56, 28) + 2 * inverted_residual(32, 6, 32, 28, 28);
  sum += inverted_residual(32, 6, 64, 28, 14) + 3 * inverted_residual(64, 6, 64, 14, 14);
  sum += inverted_residual(64, 6, 96, 14, 14) + 2 * inverted_residual(96, 6, 96, 14, 14);
  sum += inverted_residual(96, 6, 160, 14, 7) + 2 * inverted_residual(160, 6, 160, 7, 7);
  sum += inverted_residual(160, 6, 320, 7, 7) + 320. * 1280 * 49 + 1280. * 1000;
  EXPECT_EQ(sum, 300'774'272.0);
  EXPECT_EQ(make_model("mobilenetv2", 1)->training_flops_per_sample(), 6.0 * sum);
}

TEST(MobilenetV2Cifar, KeepsFourTimesFourPlaces) {
  // As above at 32, 32, 32, 16, 8, 8, 4 and 4 places a side.
  double sum = 27. * 32 * 32 * 32 + inverted_residual(32, 1, 16, 32, 32);
  sum += inverted_residual(16, 6, 24, 32, 32) + inverted_residual(24, 6, 24, 32, 32);
  sum += inverted_residual(24, 6, 32, 32, 16) + 2 * inverted_residual(32, 6, 32, 16, 16);
  sum += inverted_residual(32, 6, 64, 16, 8) + 3 * inverted_residual(64, 6, 64, 8, 8);
  sum += inverted_residual(64, 6, 96, 8, 8) + 2 * inverted_residual(96, 6, 96, 8, 8);
  sum += inverted_residual(96, 6, 160, 8, 4) + 2 * inverted_residual(160, 6, 160, 4, 4);
  sum += inverted_residual(160, 6, 320, 4, 4) + 320. * 1280 * 16 + 1280. * 10;
  EXPECT_EQ(make_model("mobilenetv2-cifar", 1)->training_flops_per_sample(), 6.0 * sum);
}

TEST(ImageNets, RefuseImagesThatTheirPoolingsLeaveNothingOf) {
  EXPECT_THAT([] { (void)make_model("alexnet", 1, std::vector<std::string>{"image=62"}); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("image")));
  EXPECT_THAT([] { (void)make_model("vgg16", 1, std::vector<std::string>{"image=31"}); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("image")));
}

}  // namespace
}  // namespace sterna::models
