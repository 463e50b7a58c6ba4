// A tree model as the engine sees it: input__0 to output__0, and treeshap_output if asked for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/fil/fil_parameters.h"
#include "backends/fil/forest.h"

namespace sarai::backends::fil {

// One loaded model; rows go to its library where they lie. Thread-safe. Its outputs have as many
// values by row as its signature says, which Prepare has checked against the configuration.
class FilModel final : public BackendModel {
 public:
  FilModel(ForestPtr forest, const FilParameters& parameters, const ModelSpec& spec,
           uint64_t memory_bytes);

  const Signature& signature() const override { return signature_; }
  Status Prepare(const ModelSpec& spec) override;
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override;
  uint64_t memory_bytes() const override { return memory_bytes_; }

 private:
  struct RunRows {
    Rows rows;
    Shape leading;  // the input's shape but for the features
    Blob data;      // what the rows point into
  };

  int64_t ScoreColumns(const ModelSpec& spec) const;
  Status CheckTensor(const TensorSpec& asked, const std::vector<TensorSpec>& known) const;
  Result<RunRows> RowsOf(const Tensor& input) const;
  Result<Tensor> Output(const RunRows& run, const std::string& name) const;
  Result<std::vector<float>> Scores(const Rows& rows) const;

  const ForestPtr forest_;
  const FilParameters parameters_;
  const uint64_t memory_bytes_;
  ModelSpec spec_;
  Signature signature_;
  int64_t columns_ = 1;  // of output__0
};

}  // namespace sarai::backends::fil
