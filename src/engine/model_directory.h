// Where the files of one model lie. Understood, as people and SageMaker archives lay them out:
//
//   resnet/config.pbtxt, resnet/1/model.onnx      Triton's layout, the folder itself
//   ANY/resnet/config.pbtxt, …                    the same one level down (an unpacked archive)
//   resnet/model.onnx [, resnet/config.pbtxt]     flat: one version without a folder of its own
//   resnet/3/ given itself                        that version, named after its parent
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace sarai::engine {

struct ModelDirectory {
  std::string root;         // absolute; config.pbtxt and version folders are in here
  std::string folder_name;  // what the model is called if nobody says otherwise
  std::string config_file;  // absolute; empty = there is none
  std::map<int64_t, std::string> versions;  // number -> absolute folder of its files; at least one
};

// Errors: kNotFound (no such folder, nothing in it that looks like a model), kInvalidArgument (more
// than one model in it). Each names the folder and what it holds.
Result<ModelDirectory> FindModelDirectory(const std::string& directory);

// Names of the files and folders in it, sorted; empty where it cannot be read.
std::vector<std::string> NamesIn(const std::string& folder);

// A whole file. Errors: kNotFound, kInvalidArgument (greater than `max_bytes`).
Result<std::string> ReadSmallFile(const std::string& path, uint64_t max_bytes);

}  // namespace sarai::engine
