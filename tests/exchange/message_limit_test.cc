// Shapes alone: nothing of these lengths is allocated.
#include "runtime/exchange/message_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"

namespace sterna::exchange {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

constexpr std::size_t kMillion = std::size_t{1} << 20;
constexpr std::size_t kThousandMillion = std::size_t{1} << 30;

tensor::ParameterTable table_of(const std::vector<std::size_t>& lengths) {
  tensor::ParameterTable table;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    table.add({.name = cat("w", i), .shape = {lengths[i]}, .kind = tensor::ParameterKind::kFullyConnected});
  }
  return table;
}

ExchangeOptions options_for(const std::string& compressor, double rate) {
  ExchangeOptions options;
  options.compressor = compressor;
  options.settings.rate = rate;
  return options;
}

// Of all parameters in one bucket, with so many learners on each of so many ranks.
std::string why(const std::vector<std::size_t>& lengths, ExchangeOptions options,
                std::uint32_t local_learners, std::uint32_t ranks = 1) {
  const tensor::ParameterTable table = table_of(lengths);
  options.learners = local_learners * ranks;
  const std::vector<Layer> layers = plan_layers(table, options);
  bucket::GradientBucket bucket;
  for (std::size_t i = 0; i < table.size(); ++i) bucket.parameters.push_back(i);
  return why_too_long({.table = table,
                       .layers = layers,
                       .gather = options.gather,
                       .learners = options.learners,
                       .local_learners = local_learners},
                      bucket);
}

// One of a hundred of 2^30 elements: 10,737,419 values of 4 bytes, 42,949,676, and indices of 30 bits,
// 40,265,322 bytes. 2^32 bytes hold 51.6 of such payloads.
TEST(MessageLimit, CountsThePayloadsOfARanksLearners) {
  EXPECT_THAT(why({kThousandMillion}, options_for("topk", 100), 51), IsEmpty());
  EXPECT_EQ(why({kThousandMillion}, options_for("topk", 100), 52),
            "[exchange] elements of w0 = 1073741824 with compressor = topk and 52 learners a rank: a message "
            "of its bucket may have more than 4294967295 bytes, the most that its lengths can say; raise the "
            "rate, or host fewer learners on a rank, or split the parameter");
}

// At rate 1: 4 bytes for each of 2^30 values are 2^32 bytes, and indices come on top.
TEST(MessageLimit, ProposesWhatCanHelp) {
  EXPECT_THAT(why({kThousandMillion}, options_for("topk", 1), 1),
              EndsWith("; raise the rate, or split the parameter"));
  // strom has no rate; an index of 31 bits and a sign take 4 bytes, and 2^31 elements twice too many.
  EXPECT_THAT(why({2 * kThousandMillion}, options_for("strom", 100), 1), EndsWith("; split the parameter"));
}

// An element takes 32 bits and an index of 20: 6.5 bytes, 6.8 MB of a parameter. 2^32 bytes hold 630 payloads
// of one, and 315 of two.
TEST(MessageLimit, CountsAllParametersOfABucketAndNamesTheLongest) {
  const ExchangeOptions all = options_for("topk", 1);
  EXPECT_THAT(why({kMillion}, all, 600), IsEmpty());
  EXPECT_THAT(why({kMillion, kMillion}, all, 300), IsEmpty());
  EXPECT_THAT(why({kMillion - 16, kMillion}, all, 330),
              AllOf(HasSubstr("elements of w1 = 1048576"), HasSubstr("cut shorter buckets")));
}

TEST(MessageLimit, IsNoneOfWhatIsSummed) {
  for (const char* compressor : {"none", "fp16", "randomk"}) {
    EXPECT_THAT(why({3 * kThousandMillion}, options_for(compressor, 1), 65536), IsEmpty()) << compressor;
  }
}

// The leader's indices travel once, whatever the learners. Exact ones of 2^31 elements have 31 bits: at rate
// 1 8 GB, at rate 100 83 MB.
TEST(MessageLimit, CountsTheLeadersIndices) {
  ExchangeOptions options = options_for("scalecom", 100);
  options.settings.selection = compressors::Selection::kExact;
  EXPECT_THAT(why({2 * kThousandMillion}, options, 65536), IsEmpty());
  options.settings.rate = 1;
  EXPECT_THAT(why({2 * kThousandMillion}, options, 1), HasSubstr("with compressor = scalecom"));
}

// Two owners on two ranks. Of 2^30 elements each owns 2^29, with indices of 29 bits: as codes with two flags
// 31 bits, 2.1 GB, and as sums with 32 bits of value 61 bits, 4.1 GB of 4.3. Of 2^31 it is twice as much.
TEST(MessageLimit, CountsWhatOwnersGetAndSelectOfASparseSum) {
  ExchangeOptions options = options_for("adacomp", 100);
  options.gather = Gather::kSparseSum;
  EXPECT_THAT(why({kThousandMillion}, options, /*local_learners=*/1, /*ranks=*/2), IsEmpty());
  EXPECT_THAT(why({2 * kThousandMillion}, options, 1, 2), HasSubstr("with compressor = adacomp"));
  // One in a hundred of 2^31 may all be one owner's: 21,474,837 sums of 30 + 32 bits, 166 MB.
  options.compressor = "topk";
  EXPECT_THAT(why({2 * kThousandMillion}, options, 1, 2), IsEmpty());
  // However a learner's 671,089 elements of 2^26 are dealt to 64 owners on its rank, of 20 + 32 bits each: 64
  // learners send 279 MB.
  EXPECT_THAT(why({64 * kMillion}, options, 64), IsEmpty());
}

TEST(MessageLimit, StaysClearOfOverflow) {
  const ExchangeOptions options = options_for("adacomp", 100);
  EXPECT_THAT(why({std::size_t{1} << 47, std::size_t{1} << 47}, options, 65536), HasSubstr("elements of w0"));
}

TEST(MessageLimit, IsLookedAtBeforeResiduesAreMade) {
  const tensor::ParameterTable table = table_of({10, kThousandMillion});
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  EXPECT_THAT([&] { GradientExchange(*comm, table, options_for("topk", 1)); },
              ThrowsMessage<ConfigError>(HasSubstr("elements of w1 = 1073741824")));
}

}  // namespace
}  // namespace sterna::exchange
