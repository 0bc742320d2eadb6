#include "inference/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace citeseek::inference {
namespace {

using Kind = RopeConfig::Kind;

std::vector<double> PlainFrequencies(double theta, int dimension) {
  std::vector<double> out(static_cast<std::size_t>(dimension / 2));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = std::pow(theta, -2.0 * static_cast<double>(i) / dimension);
  }
  return out;
}

// Wavelengths longer than the trained context are stretched, short ones kept, between the two
// bounds a mixture.
double Llama3Frequency(double frequency, const RopeConfig& config) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const auto trained = static_cast<double>(config.original_positions);
  if (wavelength < trained / config.high_freq_factor) return frequency;
  if (wavelength > trained / config.low_freq_factor) return frequency / config.factor;
  const double smooth = (trained / wavelength - config.low_freq_factor) /
                        (config.high_freq_factor - config.low_freq_factor);
  return (1 - smooth) * frequency / config.factor + smooth * frequency;
}

// The channel whose wave turns this often within the trained context.
double YarnChannel(double turns, const RopeConfig& config) {
  return config.dimension *
         std::log(static_cast<double>(config.original_positions) / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(config.theta));
}

void ApplyYarn(const RopeConfig& config, std::vector<double>& frequencies) {
  double low = YarnChannel(config.beta_fast, config);
  double high = YarnChannel(config.beta_slow, config);
  if (config.whole_channels) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(config.dimension - 1));
  if (high == low) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / config.factor * ramp + frequencies[i] * (1 - ramp);
  }
}

std::vector<float> Frequencies(const RopeConfig& config) {
  std::vector<double> frequencies = PlainFrequencies(config.theta, config.dimension);
  if (config.kind == Kind::kLinear) {
    for (double& f : frequencies) f /= config.factor;
  } else if (config.kind == Kind::kLlama3) {
    for (double& f : frequencies) f = Llama3Frequency(f, config);
  } else if (config.kind == Kind::kYarn) {
    ApplyYarn(config, frequencies);
  }
  for (std::size_t i = 0; i < frequencies.size() && i < config.divisors.size(); ++i) {
    frequencies[i] /= static_cast<double>(config.divisors[i]);
  }
  return {frequencies.begin(), frequencies.end()};
}

// Dynamic NTK: theta grows with the length, so that its lowest frequency spans the whole of it.
std::vector<float> DynamicFrequencies(const RopeConfig& config, std::int64_t length) {
  RopeConfig grown = config;
  const double ratio = static_cast<double>(length) / static_cast<double>(config.original_positions);
  grown.theta = config.theta * std::pow(config.factor * ratio - (config.factor - 1),
                                        static_cast<double>(config.dimension) /
                                            (static_cast<double>(config.dimension) - 2));
  return Frequencies(grown);
}

}  // namespace

Rope::Rope(const RopeConfig& config) : config_(config), frequencies_(Frequencies(config)) {}

void Rope::Angles(std::span<const std::int32_t> positions, std::span<const std::int32_t> lengths,
                  std::span<float> out) const {
  const std::size_t half = frequencies_.size();
  std::vector<float> grown;
  std::int64_t grown_for = 0;
  for (std::size_t t = 0; t < positions.size(); ++t) {
    const std::vector<float>* frequencies = &frequencies_;
    if (config_.kind == Kind::kDynamic) {
      const std::int64_t length = std::max<std::int64_t>(lengths[t], positions[t] + 1);
      if (length > config_.original_positions) {
        if (length != grown_for) grown = DynamicFrequencies(config_, length);
        grown_for = length;
        frequencies = &grown;
      }
    }
    float* row = out.data() + t * 2 * half;
    for (std::size_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(positions[t]) * (*frequencies)[i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)) * config_.cos_sin_scale);
      row[half + i] =
          static_cast<float>(std::sin(static_cast<double>(angle)) * config_.cos_sin_scale);
    }
  }
}

}  // namespace citeseek::inference
