#include "telemetry/trace_file.h"

#include <cerrno>
#include <cstring>
#include <future>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"
#include "wire/json/text.h"

namespace sarai::telemetry {
namespace {

// As Triton spells them; null where it has no name.
const char* ActivityName(TraceActivity activity, bool grpc) {
  switch (activity) {
    case TraceActivity::kRequestStart: return "REQUEST_START";
    case TraceActivity::kQueueStart: return "QUEUE_START";
    case TraceActivity::kComputeStart: return "COMPUTE_START";
    case TraceActivity::kComputeInputEnd: return "COMPUTE_INPUT_END";
    case TraceActivity::kComputeOutputStart: return "COMPUTE_OUTPUT_START";
    case TraceActivity::kComputeEnd: return "COMPUTE_END";
    case TraceActivity::kRequestEnd: return "REQUEST_END";
    case TraceActivity::kTensorQueueInput: return "TENSOR_QUEUE_INPUT";
    case TraceActivity::kTensorBackendInput: return "TENSOR_BACKEND_INPUT";
    case TraceActivity::kTensorBackendOutput: return "TENSOR_BACKEND_OUTPUT";
    case TraceActivity::kResidencyStart: return "RESIDENCY_START";
    case TraceActivity::kResidencyEnd: return "RESIDENCY_END";
    case TraceActivity::kFetchStart: return "FETCH_START";
    case TraceActivity::kFetchEnd: return "FETCH_END";
    case TraceActivity::kLoadStart: return "LOAD_START";
    case TraceActivity::kLoadEnd: return "LOAD_END";
    case TraceActivity::kReceiveStart: return grpc ? "GRPC_WAITREAD_START" : "HTTP_RECV_START";
    case TraceActivity::kReceiveEnd: return grpc ? "GRPC_WAITREAD_END" : "HTTP_RECV_END";
    case TraceActivity::kSendStart: return grpc ? "GRPC_SEND_START" : "HTTP_SEND_START";
    case TraceActivity::kSendEnd: return grpc ? "GRPC_SEND_END" : "HTTP_SEND_END";
  }
  return "CUSTOM_ACTIVITY";
}

std::string Quoted(std::string_view text) {
  std::string out;
  json::AppendString(out, json::ToValidUtf8(text));
  return out;
}

template <typename T>
std::string Numbers(std::string_view bytes) {
  std::string out;
  for (; bytes.size() >= sizeof(T); bytes.remove_prefix(sizeof(T))) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    if (!out.empty()) out += ',';
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  return out;
}

std::string ElementsText(const Tensor& tensor) {
  const std::string_view bytes = tensor.data.text();
  switch (tensor.type) {
    case DataType::kBool:
    case DataType::kUint8: return Numbers<uint8_t>(bytes);
    case DataType::kInt8: return Numbers<int8_t>(bytes);
    case DataType::kUint16: return Numbers<uint16_t>(bytes);
    case DataType::kInt16: return Numbers<int16_t>(bytes);
    case DataType::kUint32: return Numbers<uint32_t>(bytes);
    case DataType::kInt32: return Numbers<int32_t>(bytes);
    case DataType::kUint64: return Numbers<uint64_t>(bytes);
    case DataType::kInt64: return Numbers<int64_t>(bytes);
    case DataType::kFp32: return Numbers<float>(bytes);
    case DataType::kFp64: return Numbers<double>(bytes);
    case DataType::kBytes: {
      const auto elements = BytesElements(tensor.data.bytes());
      if (!elements) return "";
      std::vector<std::string> texts;
      for (const std::string_view element : *elements)
        texts.push_back('"' + std::string(element) + '"');
      return Join(texts, ",");
    }
    default: return "";  // 16-bit floats: shape and type only
  }
}

std::string TensorJson(const TraceRecord& record, const TraceRecord::TracedTensor& traced) {
  std::string shape = ShapeText(traced.tensor.shape);
  if (shape.size() >= 2) shape = shape.substr(1, shape.size() - 2);
  return fmt::format(
      R"({{"id":{},"activity":"{}","tensor":{{"name":{},"data":{},"shape":"{}","dtype":"{}"}}}})",
      record.id, ActivityName(traced.activity, record.over == Caller::Over::kGrpc),
      Quoted(traced.tensor.name), Quoted(ElementsText(traced.tensor)), shape,
      DataTypeName(traced.tensor.type));
}

std::string HeadJson(const TraceRecord& record) {
  const bool numbered = ParseInt(record.version).has_value();
  std::string out =
      fmt::format(R"({{"id":{},"model_name":{},"model_version":{})", record.id,
                  Quoted(record.model), numbered ? record.version : Quoted(record.version));
  if (!record.request_id.empty()) out += ",\"request_id\":" + Quoted(record.request_id);
  if (record.parent_id != 0) out += fmt::format(",\"parent_id\":{}", record.parent_id);
  return out + "}";
}

std::string TimestampsJson(const TraceRecord& record) {
  std::string out;
  for (const TraceRecord::Stamp& stamp : record.stamps)
    out += fmt::format(R"({}{{"name":"{}","ns":{}}})", out.empty() ? "" : ",",
                       ActivityName(stamp.activity, record.over == Caller::Over::kGrpc),
                       stamp.at.time_since_epoch().count());
  return fmt::format(R"({{"id":{},"timestamps":[{}]}})", record.id, out);
}

}  // namespace

std::string TraceJson(const TraceRecord& record) {
  std::string out = HeadJson(record);
  if (!record.stamps.empty()) out += ',' + TimestampsJson(record);
  for (const auto& traced : record.tensors) out += ',' + TensorJson(record, traced);
  return out;
}

TraceFile::TraceFile(Options options) : options_(std::move(options)) {}

TraceFile::~TraceFile() {
  Flush();
  thread_.Stop();
  if (file_ != nullptr) std::fclose(file_);
}

void TraceFile::Add(TraceRecord record, uint32_t log_frequency) {
  if (waiting_.fetch_add(1) >= options_.max_waiting) {
    waiting_.fetch_sub(1);
    dropped_.fetch_add(1);
    return;
  }
  thread_.Post([this, log_frequency, record = std::move(record)] {
    Write(record, log_frequency);
    waiting_.fetch_sub(1);
  });
}

void TraceFile::Flush() {
  std::promise<void> reached;
  thread_.Post([&reached] { reached.set_value(); });
  reached.get_future().wait();
}

void TraceFile::Open(const std::string& path) {
  if (file_ != nullptr) std::fclose(file_);
  open_path_ = path;
  in_file_ = 0;
  file_ = std::fopen(path.c_str(), "w");
  if (file_ == nullptr)
    LogError("telemetry", "cannot write traces to '{}': {}", path, std::strerror(errno));
}

void TraceFile::Write(const TraceRecord& record, uint32_t log_frequency) {
  const bool full = log_frequency > 0 && in_file_ >= log_frequency;
  if (log_frequency > 0 && (open_path_.empty() || open_path_ == options_.path || full))
    Open(fmt::format("{}.{}", options_.path, index_++));
  else if (log_frequency == 0 && open_path_ != options_.path)
    Open(options_.path);
  if (file_ == nullptr) {
    dropped_.fetch_add(1);
    return;
  }
  if (in_file_++ > 0) (void)std::fseek(file_, -1, SEEK_CUR);  // over the bracket that closes
  const std::string text = (in_file_ == 1 ? "[" : ",") + TraceJson(record) + "]";
  (void)std::fwrite(text.data(), 1, text.size(), file_);
  (void)std::fflush(file_);
}

}  // namespace sarai::telemetry
