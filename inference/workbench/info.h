// Info: what a model's files are, as a few words and numbers.
#pragma once

#include "inference/model/model_files.h"
#include "inference/workbench.h"

namespace citeseek::inference {

ModelInfo DescribeModel(const ModelFiles& files);

}  // namespace citeseek::inference
