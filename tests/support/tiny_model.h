// Tiny model: the files of a chat model with random weights, small enough to make in a test.
//
// Qwen2's shape, f32, a few hundred KiB; its tokenizer knows the 256 bytes (id = byte) and the
// control tokens below. What it says is noise, the same on every machine, and never ends by
// itself: the control tokens' rows are zero, and hardly ever the best.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace citeseek {

inline constexpr std::int32_t kTinyStart = 256;       // <|im_start|>
inline constexpr std::int32_t kTinyEnd = 257;         // <|im_end|>, ends an answer
inline constexpr std::int32_t kTinyThink = 258;       // <think>
inline constexpr std::int32_t kTinyThinkEnd = 259;    // </think>
inline constexpr std::int32_t kTinyVocabulary = 272;  // rows; the last ones are padding

// The way that Qwen3's template treats thoughts, and that of DeepSeek-R1's.
enum class TinyThinking { kSwitch, kAlways };

std::string TinyTokenizerJson();
std::string TinyTokenizerConfigJson(TinyThinking thinking);

// config.json, model.safetensors, tokenizer.json, tokenizer_config.json, generation_config.json.
// Models of different seeds say different things.
void WriteTinyModel(const std::filesystem::path& folder, std::uint32_t seed,
                    TinyThinking thinking = TinyThinking::kSwitch);

}  // namespace citeseek
