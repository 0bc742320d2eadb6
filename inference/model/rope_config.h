// ReadRope: turns rope_theta and rope_scaling (or rope_parameters) of a decoder's config.json into
// a RopeConfig.
//
// Thread-compatible; what is wrong with the values is left in the reader.
#pragma once

#include "inference/model/config.h"
#include "inference/model/json.h"

namespace citeseek::inference {

// Needs head_size, mla and max_positions of `config`; sets rope, and max_positions to what the
// scaling reaches.
void ReadRope(JsonReader& reader, ModelConfig& config);

// YaRN's magnitude correction: 0.1 * mscale * ln(factor) + 1.
double YarnScale(double factor, double mscale);

}  // namespace citeseek::inference
