// Rope: turns positions into the cosines and sines that rotate queries and keys.
//
// Thread-safe. Frequencies and angles are rounded to f32 as in the training code, which matters at
// long positions. Su et al. 2021; scalings as in transformers 4.52.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inference/model/config.h"

namespace citeseek::inference {

class Rope {
 public:
  explicit Rope(const RopeConfig& config);

  int dimension() const { return config_.dimension; }

  // out [positions, dimension]: each row the cosines, then the sines. lengths[i]: the tokens of the
  // prompt that position i belongs to, which kDynamic alone looks at: tokens of one prompt are
  // rotated as for its whole length, later ones as for the length they reach.
  void Angles(std::span<const std::int32_t> positions, std::span<const std::int32_t> lengths,
              std::span<float> out) const;

 private:
  RopeConfig config_;
  std::vector<float> frequencies_;  // [dimension / 2]
};

}  // namespace citeseek::inference
