#include "wire/kserve/classification.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace sarai::kserve {
namespace {

constexpr int64_t kMaxElements = 1'000'000;

// How an output is cut: a row is what one item of the batch has.
struct Layout {
  size_t rows = 0, columns = 0, classes = 0;
  bool batched = false;
};

template <typename T>
std::vector<T> Load(std::span<const std::byte> bytes, size_t first, size_t count) {
  std::vector<T> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data() + first * sizeof(T), count * sizeof(T));
  return values;
}

template <typename T>
bool Larger(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  return a > b;
}

// Floats with six decimals, as C's %f and Triton have it.
template <typename T>
std::string ValueText(T value) {
  if constexpr (std::is_floating_point_v<T>) return fmt::format("{:f}", value);
  return fmt::format("{}", value);
}

class Classifier {
 public:
  Classifier(const Tensor& output, Layout layout, const std::vector<std::string>* labels)
      : output_(output), layout_(layout), labels_(labels) {}

  template <typename T>
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    if (layout_.classes == 0) return texts;  // rows of nothing may be any number of them
    for (size_t row = 0; row < layout_.rows; ++row) AppendRow<T>(row, texts);
    return texts;
  }

 private:
  template <typename T>
  void AppendRow(size_t row, std::vector<std::string>& texts) const {
    const auto values = Load<T>(output_.data.bytes(), row * layout_.columns, layout_.columns);
    std::vector<size_t> order(values.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto before = [&](size_t a, size_t b) {
      if (Larger(values[a], values[b])) return true;
      return !Larger(values[b], values[a]) && a < b;
    };
    std::partial_sort(order.begin(), order.begin() + layout_.classes, order.end(), before);
    for (size_t i = 0; i < layout_.classes; ++i)
      texts.push_back(
          fmt::format("{}:{}{}", ValueText(values[order[i]]), order[i], LabelText(order[i])));
  }

  std::string LabelText(size_t index) const {
    if (labels_ == nullptr || index >= labels_->size()) return "";
    return ":" + (*labels_)[index];
  }

  const Tensor& output_;
  const Layout layout_;
  const std::vector<std::string>* const labels_;
};

Result<Layout> LayoutOf(const Tensor& output, uint32_t classes, const EncodeOptions& options) {
  SARAI_TRY(const int64_t elements, ElementCount(output.shape));
  if (elements > kMaxElements)
    return Error(Code::kInvalidArgument,
                 "output '{}' has {} elements, more than the {} that can be classified",
                 output.name, elements, kMaxElements);
  Layout layout;
  layout.batched = !output.shape.empty() && options.batched.value_or(output.shape.size() > 1);
  layout.rows = layout.batched ? output.shape[0] : 1;
  layout.columns = layout.rows == 0 ? 0 : elements / layout.rows;
  layout.classes = std::min<size_t>(classes, layout.columns);
  return layout;
}

Result<std::vector<std::string>> TextsOf(const Tensor& output, const Classifier& classifier) {
  switch (output.type) {
    case DataType::kUint8: return classifier.Texts<uint8_t>();
    case DataType::kUint16: return classifier.Texts<uint16_t>();
    case DataType::kUint32: return classifier.Texts<uint32_t>();
    case DataType::kUint64: return classifier.Texts<uint64_t>();
    case DataType::kInt8: return classifier.Texts<int8_t>();
    case DataType::kInt16: return classifier.Texts<int16_t>();
    case DataType::kInt32: return classifier.Texts<int32_t>();
    case DataType::kInt64: return classifier.Texts<int64_t>();
    case DataType::kFp32: return classifier.Texts<float>();
    case DataType::kFp64: return classifier.Texts<double>();
    default:
      return Error(Code::kInvalidArgument, "output '{}' of type {} cannot be classified",
                   output.name, DataTypeName(output.type));
  }
}

const std::vector<std::string>* LabelsOf(const Tensor& output, const EncodeOptions& options) {
  if (options.labels == nullptr) return nullptr;
  const auto found = options.labels->find(output.name);
  return found == options.labels->end() ? nullptr : &found->second;
}

}  // namespace

Result<Tensor> Classify(const Tensor& output, uint32_t classes, const EncodeOptions& options) {
  if (output.type != DataType::kBytes) SARAI_CHECK_OK(CheckTensorBytes(output));
  SARAI_TRY(const Layout layout, LayoutOf(output, classes, options));
  SARAI_TRY(const auto texts,
            TextsOf(output, Classifier(output, layout, LabelsOf(output, options))));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  Tensor classified{.name = output.name,
                    .type = DataType::kBytes,
                    .data = Blob::FromVector(EncodeBytesElements(views))};
  if (layout.batched) classified.shape.push_back(static_cast<int64_t>(layout.rows));
  classified.shape.push_back(static_cast<int64_t>(layout.classes));
  return classified;
}

}  // namespace sarai::kserve
