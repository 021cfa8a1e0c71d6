// fsdd, read from recordings that the tests write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "runtime/core/bytes.h"
#include "runtime/data/log_mel.h"
#include "runtime/data/wav.h"
#include "tests/data/data_probe.h"

namespace sterna::data {
namespace {

using test::refusal_of;
using test::samples_of;
using test::training_labels;
using testing::HasSubstr;

constexpr std::size_t kFrames = 4;
constexpr std::size_t kBands = 3;
const SampleShape kShape{.input = {kFrames, kBands}, .classes = 10};

std::string u16(std::uint32_t value) {
  return {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8 & 0xFF)};
}
std::string u32(std::uint32_t value) {
  return u16(value & 0xFFFF) + u16(value >> 16);
}
std::string chunk(const std::string& name, const std::string& bytes) {
  return name + u32(static_cast<std::uint32_t>(bytes.size())) + bytes +
         (bytes.size() % 2 != 0 ? std::string(1, '\0') : "");
}
std::string riff(const std::string& chunks) {
  return "RIFF" + u32(static_cast<std::uint32_t>(4 + chunks.size())) + "WAVE" + chunks;
}

struct Format {
  std::uint32_t encoding = 1, channels = 1, rate = 8000, bytes_a_second = 16000, block = 2, bits = 16;
};
std::string format_chunk(const Format& f = {}) {
  return chunk("fmt ", u16(f.encoding) + u16(f.channels) + u32(f.rate) + u32(f.bytes_a_second) +
                           u16(f.block) + u16(f.bits));
}
std::string data_chunk(const std::vector<std::int16_t>& samples) {
  std::string bytes;
  for (std::int16_t sample : samples) bytes += u16(static_cast<std::uint16_t>(sample));
  return chunk("data", bytes);
}
std::string wav(const std::vector<std::int16_t>& samples) {
  return riff(format_chunk() + data_chunk(samples));
}

// A square wave of so many samples a half period.
std::vector<std::int16_t> wave(std::size_t samples, std::size_t half_period) {
  std::vector<std::int16_t> values;
  for (std::size_t i = 0; i < samples; ++i) {
    values.push_back(static_cast<std::int16_t>(i / half_period % 2 == 0 ? 1000 : -1000));
  }
  return values;
}

class Fsdd : public testing::Test {
 protected:
  Fsdd() {
    // 2 frames, 5 frames of which the model takes 4, and 1 frame.
    scratch_.write("3_anna_5.wav", wav(wave(280, 7)));
    scratch_.write("9_bob_12.wav", wav(wave(520, 20)));
    scratch_.write("0_bob_4.wav", wav(wave(200, 3)));
  }

  DatasetOptions options(const SampleShape& wanted = kShape) const {
    return {.directory = scratch_.path(), .wanted = wanted};
  }
  std::string refusal_with(std::string_view bytes, std::string_view name = "3_anna_5.wav") const {
    scratch_.write(name, bytes);
    return refusal_of("fsdd", options());
  }

  test::ScratchDirectory scratch_;
};

TEST_F(Fsdd, SplitsByIndexInTheOrderOfNames) {
  const auto dataset = make_dataset("fsdd", options());
  EXPECT_EQ(dataset->samples(Split::kTrain), 2u);
  EXPECT_EQ(dataset->samples(Split::kTest), 1u);
  EXPECT_EQ(samples_of(*dataset, Split::kTrain, {1, 0}).labels, (std::vector<std::int32_t>{9, 3}));
  EXPECT_EQ(samples_of(*dataset, Split::kTest, {0}).labels, std::vector<std::int32_t>{0});
  EXPECT_EQ(training_labels(*dataset), (std::vector<std::int32_t>{3, 9}));
}

// The frames to train on are the 2 of one recording and 4 of the other; float32 features of size 10 are off
// by 2^-21 of deviations of about 1.
TEST_F(Fsdd, NormalisesEachBandOverTheFramesToTrainOnAndPadsWithZeros) {
  LogMel log_mel(kBands);
  std::vector<std::vector<double>> raw;
  const auto add_frames = [&](const std::vector<std::int16_t>& samples, std::size_t frames) {
    for (std::size_t t = 0; t < frames; ++t) {
      std::vector<float> bands(kBands);
      log_mel.frame(std::span(samples).subspan(t * kHopSamples, kFrameSamples), bands);
      raw.emplace_back(bands.begin(), bands.end());
    }
  };
  add_frames(wave(280, 7), 2);
  add_frames(wave(520, 20), 4);
  add_frames(wave(200, 3), 1);  // the one to test

  const auto dataset = make_dataset("fsdd", options());
  const std::vector<float> train = samples_of(*dataset, Split::kTrain, {0, 1}).inputs;
  const std::vector<float> test = samples_of(*dataset, Split::kTest, {0}).inputs;
  for (std::size_t band = 0; band < kBands; ++band) {
    double mean = 0.0;
    for (std::size_t i = 0; i < 6; ++i) mean += raw[i][band] / 6.0;
    double variance = 0.0;
    for (std::size_t i = 0; i < 6; ++i) variance += (raw[i][band] - mean) * (raw[i][band] - mean) / 6.0;
    const auto expect = [&](float found, std::size_t frame) {
      EXPECT_NEAR(static_cast<double>(found), (raw[frame][band] - mean) / std::sqrt(variance), 1e-5);
    };
    for (std::size_t t = 0; t < 2; ++t) expect(train[t * kBands + band], t);
    for (std::size_t t = 2; t < kFrames; ++t) EXPECT_EQ(train[t * kBands + band], 0.0f);
    for (std::size_t t = 0; t < kFrames; ++t) expect(train[(kFrames + t) * kBands + band], 2 + t);
    expect(test[band], 6);
    for (std::size_t t = 1; t < kFrames; ++t) EXPECT_EQ(test[t * kBands + band], 0.0f);
  }
}

TEST_F(Fsdd, FindsTheFolderRecordings) {
  test::ScratchDirectory outer;
  std::filesystem::create_directory(outer.path() / "recordings");
  outer.write("recordings/1_a_0.wav", wav(wave(300, 5)));
  outer.write("recordings/2_a_10.wav", wav(wave(300, 9)));
  outer.write("recordings/notes.txt", "other files are passed over");
  const auto dataset = make_dataset("fsdd", {.directory = outer.path(), .wanted = kShape});
  EXPECT_EQ(dataset->samples(Split::kTrain), 1u);
  EXPECT_EQ(dataset->samples(Split::kTest), 1u);
}

TEST_F(Fsdd, ReadsEverySampleAndPassesOverOtherChunks) {
  const std::vector<std::int16_t> samples = {0, 1, -1, 32767, -32768};
  const auto path = scratch_.write(
      "x.wav", riff(chunk("LIST", "odd") + format_chunk() + chunk("fact", "") + data_chunk(samples)));
  EXPECT_EQ(read_wav(path), samples);
}

TEST_F(Fsdd, IsRefusedWhereAFileIsNotRiffOrCutShortOrTooLong) {
  const std::string whole = wav(wave(280, 7));
  EXPECT_THAT(refusal_with(""), HasSubstr("3_anna_5.wav = no RIFF file of kind WAVE"));
  EXPECT_THAT(refusal_with("RIFX" + whole.substr(4)), HasSubstr("no RIFF file"));
  EXPECT_THAT(refusal_with(whole.substr(0, 8) + "AVI " + whole.substr(12)), HasSubstr("no RIFF file"));
  EXPECT_THAT(refusal_with(whole.substr(0, 11)), HasSubstr("no RIFF file"));
  EXPECT_THAT(refusal_with(whole.substr(0, whole.size() - 1)),
              HasSubstr("603 bytes where 604 are promised: cut short"));
  EXPECT_THAT(refusal_with(whole + "x"), HasSubstr("1 bytes behind the end"));
  EXPECT_THAT(refusal_with(riff(format_chunk() + "data" + u32(600))), HasSubstr("a chunk cut short"));
  EXPECT_THAT(refusal_with(riff(format_chunk() + "da")), HasSubstr("a chunk cut short"));
  EXPECT_THAT(refusal_with(riff(format_chunk() + "data" + u32(0xFFFFFFFF))), HasSubstr("a chunk cut short"));
}

TEST_F(Fsdd, IsRefusedWithOtherSoundThanItsOwn) {
  const auto of = [&](const Format& format) {
    return refusal_with(riff(format_chunk(format) + data_chunk(wave(280, 7))));
  };
  EXPECT_THAT(of({.encoding = 3}), HasSubstr("encoding 3: must be a RIFF file of PCM samples"));
  EXPECT_THAT(of({.channels = 2}), HasSubstr("channels 2"));
  EXPECT_THAT(of({.rate = 44100}), HasSubstr("samples a second 44100"));
  EXPECT_THAT(of({.bits = 8}), HasSubstr("bits a sample 8"));
  EXPECT_THAT(of({.bytes_a_second = 8000}), HasSubstr("bytes a second 8000"));
  EXPECT_THAT(of({.block = 4}), HasSubstr("bytes of all channels 4"));
}

TEST_F(Fsdd, IsRefusedWithChunksMissingOrTwice) {
  const std::string data = data_chunk(wave(280, 7));
  EXPECT_THAT(refusal_with(riff(data)), HasSubstr("no chunk \"fmt \" before \"data\""));
  EXPECT_THAT(refusal_with(riff(format_chunk())), HasSubstr("no chunk \"data\""));
  EXPECT_THAT(refusal_with(riff(format_chunk() + format_chunk() + data)), HasSubstr("two chunks \"fmt \""));
  EXPECT_THAT(refusal_with(riff(format_chunk() + data + data)), HasSubstr("two chunks \"data\""));
  EXPECT_THAT(refusal_with(riff(chunk("fmt ", "12") + data)), HasSubstr("a chunk \"fmt \" of 2 bytes"));
  EXPECT_THAT(refusal_with(riff(format_chunk() + chunk("data", "123"))), HasSubstr("half a sample"));
}

TEST_F(Fsdd, IsRefusedWhereARecordingHasNoFrame) {
  EXPECT_THAT(refusal_with(wav(wave(199, 7))),
              HasSubstr("3_anna_5.wav = 199 samples: must have at least 200"));
}

TEST_F(Fsdd, IsRefusedWithABadName) {
  for (const char* name : {"x.wav", "10_anna_5.wav", "3_5.wav", "3__5.wav", "3_anna_.wav", "3_anna_05.wav",
                           "3_anna_x.wav", "3_a_b_5.wav", "_anna_5.wav", "3_anna_-1.wav"}) {
    EXPECT_THAT(refusal_with(wav(wave(280, 7)), name), HasSubstr(cat(name, " = another name: "))) << name;
    std::filesystem::remove(scratch_.path() / name);
  }
}

TEST_F(Fsdd, IsRefusedWithoutADirectoryOrRecordings) {
  EXPECT_THAT(refusal_of("fsdd", {.wanted = kShape}), HasSubstr("data-dir = \"\": fsdd needs"));
  EXPECT_THAT(refusal_of("fsdd", {.directory = scratch_.path() / "none", .wanted = kShape}),
              HasSubstr("must be a directory that can be read"));
  std::filesystem::remove(scratch_.path() / "0_bob_4.wav");
  EXPECT_THAT(refusal_of("fsdd", options()), HasSubstr("(2 and 0 are there)"));
  scratch_.write("0_bob_4.wav", wav(wave(200, 3)));
  std::filesystem::remove(scratch_.path() / "3_anna_5.wav");
  std::filesystem::remove(scratch_.path() / "9_bob_12.wav");
  EXPECT_THAT(refusal_of("fsdd", options()), HasSubstr("(0 and 1 are there)"));
}

TEST_F(Fsdd, IsRefusedByAModelThatTakesNoFrames) {
  for (const SampleShape& wanted :
       {SampleShape{.input = {1, 28, 28}, .classes = 10}, SampleShape{.input = {64, 41}, .classes = 10},
        SampleShape{.input = {64, 40}, .classes = 11}}) {
    EXPECT_THAT(refusal_of("fsdd", options(wanted)),
                HasSubstr("data = fsdd: has frames of 1 to 40 mel bands"));
  }
}

}  // namespace
}  // namespace sterna::data
