// own_loop [COMPRESSOR [STEPS]]: logistic regression, with a loop, a model and an update of its own. Sterna
// does one thing for it: it turns the gradients of two learners into their mean.
//
//   mpirun -np 2 own_loop adacomp     a learner on each rank
//   own_loop adacomp                  both learners in one process: the same losses, bit for bit
//
// Samples are made up: x is uniform, and a hidden rule, one weight a feature, says to which class it belongs.
#include <sterna/exchange.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t kLearners = 2;
constexpr std::size_t kFeatures = 1000;
constexpr std::size_t kBatch = 32;  // samples of a learner and step
constexpr std::size_t kTestSamples = 1000;
constexpr float kLearningRate = 1.0f;

struct Model {
  std::vector<float> weight = std::vector<float>(kFeatures, 0.0f);
  std::vector<float> bias = {0.0f};
};

struct Sample {
  std::vector<float> x;  // [kFeatures]
  float label = 0.0f;    // 0 or 1
};

// The same samples on every machine: the standard fixes mt19937, but not what distributions make of it.
class Samples {
 public:
  explicit Samples(std::uint32_t seed) : random_(seed) {}

  Sample next() {
    Sample sample;
    double score = 0.0;
    for (std::size_t i = 0; i < kFeatures; ++i) {
      sample.x.push_back(static_cast<float>(random_()) * 0x1p-31f - 1.0f);  // in [-1, 1]
      const double rule = i % 10 == 0 ? 1.0 : 0.05;                         // one in ten features matters
      score += rule * static_cast<double>(sample.x.back());
    }
    sample.label = score > 0.0 ? 1.0f : 0.0f;
    return sample;
  }

 private:
  std::mt19937 random_;
};

// The probability of class 1.
float predict(const Model& model, const Sample& sample) {
  float score = model.bias[0];
  for (std::size_t i = 0; i < kFeatures; ++i) score += model.weight[i] * sample.x[i];
  return 1.0f / (1.0f + std::exp(-score));
}

// The mean gradient of the cross-entropy over one learner's batch.
Model gradient_of(const Model& model, Samples& samples) {
  Model gradient;
  for (std::size_t n = 0; n < kBatch; ++n) {
    const Sample sample = samples.next();
    const float error = (predict(model, sample) - sample.label) / static_cast<float>(kBatch);
    for (std::size_t i = 0; i < kFeatures; ++i) gradient.weight[i] += error * sample.x[i];
    gradient.bias[0] += error;
  }
  return gradient;
}

double test_loss(const Model& model) {
  Samples samples(1000);  // no learner's
  double sum = 0.0;
  for (std::size_t n = 0; n < kTestSamples; ++n) {
    const Sample sample = samples.next();
    const double right =
        static_cast<double>(sample.label == 1.0f ? predict(model, sample) : 1.0f - predict(model, sample));
    sum -= std::log(std::max(right, 1e-7));
  }
  return sum / static_cast<double>(kTestSamples);
}

void train(sterna::World& world, const std::string& compressor, int steps) {
  sterna::Exchange exchange(world,
                            {{.name = "weight", .elements = kFeatures},
                             {.name = "bias", .elements = 1, .kind = sterna::ParameterKind::kBias}},
                            {.compressor = compressor, .rate = 20, .bin_fc = 50, .learners = kLearners});

  // What a learner draws depends on the learner, not on the rank that hosts it.
  std::vector<Samples> samples;
  for (std::uint32_t local = 0; local < exchange.local_learners(); ++local) {
    samples.emplace_back(exchange.first_learner() + local);
  }
  Model model;
  for (int step = 1; step <= steps; ++step) {
    std::vector<Model> gradients;
    for (Samples& of_learner : samples) gradients.push_back(gradient_of(model, of_learner));

    std::vector<std::span<float>> parts;
    for (Model& gradient : gradients) parts.insert(parts.end(), {gradient.weight, gradient.bias});
    const sterna::Sent sent = exchange.reduce_to_mean(parts);

    // Each of them is the mean now, on every rank, and so the models stay equal.
    const Model& mean = gradients.front();
    for (std::size_t i = 0; i < kFeatures; ++i) model.weight[i] -= kLearningRate * mean.weight[i];
    model.bias[0] -= kLearningRate * mean.bias[0];

    if (world.rank() == 0 && step % 20 == 0) {
      std::printf("step %d loss %.9g payload_bytes %llu of %llu wire_bytes %llu\n", step, test_loss(model),
                  static_cast<unsigned long long>(sent.payload_bytes),
                  static_cast<unsigned long long>(sent.dense_bytes),
                  static_cast<unsigned long long>(sent.wire_bytes));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string compressor = argc > 1 ? argv[1] : "adacomp";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 100;
  try {
    sterna::World world;
    try {
      train(world, compressor, steps);
    } catch (const sterna::AgreedConfigError& error) {
      // Every rank has it, so that none waits for another.
      if (world.rank() == 0) std::fprintf(stderr, "%s\n", error.what());
      return 2;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "[rank %d] %s\n", world.rank(), error.what());
      world.abort(1);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
