#include "inference/model/rope_config.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

using Kind = RopeConfig::Kind;

void ReadYarn(JsonReader& scaling, const ModelConfig& config, RopeConfig& rope) {
  rope.kind = Kind::kYarn;
  rope.beta_fast = scaling.Number("beta_fast", 32.0, 1e-3, 1e6);
  rope.beta_slow = scaling.Number("beta_slow", 1.0, 1e-3, 1e6);
  rope.whole_channels = scaling.Bool("truncate", true);
  const double mscale = scaling.Number("mscale", 0.0, 0.0, 100.0);
  const double mscale_all = scaling.Number("mscale_all_dim", 0.0, 0.0, 100.0);
  const double own = mscale != 0.0 && mscale_all != 0.0
                         ? YarnScale(rope.factor, mscale) / YarnScale(rope.factor, mscale_all)
                         : YarnScale(rope.factor, 1.0);
  rope.cos_sin_scale = scaling.Number("attention_factor", own, 1e-3, 1e3);
  if (config.mla.kv_lora_rank > 0 && mscale_all != 0.0) {
    const double scale = YarnScale(rope.factor, mscale_all);
    rope.softmax_scale = scale * scale;
  }
}

}  // namespace

double YarnScale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

void ReadRope(JsonReader& reader, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.kind = Kind::kDefault;
  rope.theta = reader.Number("rope_theta", 10000.0, 1.0, 1e15);
  rope.interleaved = config.mla.kv_lora_rank > 0 &&
                     (config.family == Family::kDeepSeekV2 || reader.Bool("rope_interleave", true));
  rope.original_positions = config.max_positions;
  if (config.mla.kv_lora_rank > 0) {
    rope.dimension = config.mla.qk_rope_head_size;
  } else {
    const double share = reader.Number("partial_rotary_factor", 1.0, 0.0, 1.0);
    rope.dimension = static_cast<int>(config.head_size * share);
  }
  // transformers 5 writes rope_theta and rope_scaling as one object.
  const char* key = reader.Find("rope_parameters") != nullptr ? "rope_parameters" : "rope_scaling";
  const Json* member = reader.Find(key);
  if (member == nullptr) return;
  if (member->Object() == nullptr) {
    reader.Fail(key, "is not an object");
    return;
  }
  JsonReader scaling(*member, key);
  rope.theta = scaling.Number("rope_theta", rope.theta, 1.0, 1e15);
  const std::string type = scaling.String("rope_type", scaling.String("type", "default"));
  rope.factor = scaling.Number("factor", 1.0, 1.0, 1e6);
  const std::int64_t original = scaling.Int("original_max_position_embeddings",
                                            config.max_positions, 1, std::int64_t{1} << 30);
  if (type == "default") {
    rope.factor = 1.0;
  } else if (type == "linear") {
    rope.kind = Kind::kLinear;
  } else if (type == "dynamic") {
    rope.kind = Kind::kDynamic;
  } else if (type == "llama3") {
    rope.kind = Kind::kLlama3;
    rope.original_positions = original;
    rope.low_freq_factor = scaling.Number("low_freq_factor", 1.0, 1e-3, 1e6);
    rope.high_freq_factor = scaling.Number("high_freq_factor", 4.0, 1e-3, 1e6);
    if (rope.high_freq_factor <= rope.low_freq_factor) {
      scaling.Fail("high_freq_factor",
                   absl::StrCat(rope.high_freq_factor, " is not above ", rope.low_freq_factor));
    }
  } else if (type == "yarn") {
    rope.original_positions = original;
    ReadYarn(scaling, config, rope);
  } else {
    scaling.Fail("rope_type", absl::StrCat("\"", type, "\" is unknown; known are default, ",
                                           "linear, dynamic, llama3, yarn"));
  }
  if (!scaling.status().ok()) reader.Fail(key, std::string(scaling.status().message()));
  // Dynamic files give the trained length; yarn files sometimes the trained length (Qwen2.5),
  // sometimes the reached one (DeepSeek).
  if (rope.kind == Kind::kYarn || rope.kind == Kind::kDynamic) {
    // What follows the prompt's length has no last one of its own.
    constexpr double kDynamicReach = 16.0;
    const double times =
        rope.kind == Kind::kDynamic ? std::max(rope.factor, kDynamicReach) : rope.factor;
    const double reached = static_cast<double>(rope.original_positions) * times;
    config.max_positions =
        std::max(config.max_positions, static_cast<std::int64_t>(std::min(reached, 1073741824.0)));
  }
}

}  // namespace citeseek::inference
