// ModelOptions: how the files of a model are to be run.
#pragma once

namespace citeseek::inference {

// How a matrix keeps its weights. kQ8, kQ5 and kQ4 are blocks of 32 along k with f16 scales (kQ5
// and kQ4: and minima); their products quantise x to int8 in the same blocks. A backend may keep
// more bits than it is told to.
enum class Storage { kAsStored, kF32, kF16, kBF16, kQ8, kQ5, kQ4 };
constexpr bool IsQuantized(Storage storage) { return storage >= Storage::kQ8; }

// Where a model runs. kAuto: on the GPU if there is one that this build can use, or on the CPU.
enum class Device { kCpu, kCuda, kAuto };

struct ModelOptions {
  Device device = Device::kCpu;
  int threads = 2;
  Storage storage = Storage::kAsStored;  // of the large matrices
};

}  // namespace citeseek::inference
