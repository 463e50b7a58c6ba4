// A small model in OpenVINO's own format, for tests.
#pragma once

#include <fmt/format.h>

#include <string>

namespace sarai::backends {

// y = x * w: x is [batch,inputs], w [inputs,outputs] the floats at the beginning of model.bin.
// `batch` is a number, or "-1".
inline std::string LinearIr(const std::string& batch, size_t inputs, size_t outputs) {
  const auto port = [](int id, const std::string& rows, size_t columns, const std::string& names) {
    return fmt::format(R"(<port id="{}" precision="FP32"{}><dim>{}</dim><dim>{}</dim></port>)", id,
                       names.empty() ? "" : fmt::format(R"( names="{}")", names), rows, columns);
  };
  const std::string shape = batch == "-1" ? "?" : batch;
  return fmt::format(
      R"(<?xml version="1.0"?>
<net name="linear" version="11">
  <layers>
    <layer id="0" name="x" type="Parameter" version="opset1">
      <data shape="{},{}" element_type="f32"/><output>{}</output></layer>
    <layer id="1" name="w" type="Const" version="opset1">
      <data element_type="f32" shape="{},{}" offset="0" size="{}"/><output>{}</output></layer>
    <layer id="2" name="product" type="MatMul" version="opset1">
      <data transpose_a="false" transpose_b="false"/>
      <input>{}{}</input><output>{}</output></layer>
    <layer id="3" name="result" type="Result" version="opset1"><input>{}</input></layer>
  </layers>
  <edges>
    <edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>
    <edge from-layer="1" from-port="0" to-layer="2" to-port="1"/>
    <edge from-layer="2" from-port="2" to-layer="3" to-port="0"/>
  </edges>
</net>
)",
      shape, inputs, port(0, batch, inputs, "x"), inputs, outputs, inputs * outputs * 4,
      port(0, std::to_string(inputs), outputs, ""), port(0, batch, inputs, ""),
      port(1, std::to_string(inputs), outputs, ""), port(2, batch, outputs, "y"),
      port(0, batch, outputs, ""));
}

}  // namespace sarai::backends
