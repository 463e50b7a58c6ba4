// JSON: parsed, written, parsed again; its members read as every type; text written by hand.
#include <cmath>

#include "fuzz/fuzz.h"
#include "wire/json/json.h"
#include "wire/json/text.h"

namespace sarai::fuzz {
namespace {

constexpr json::ParseLimits kLimits = {.max_bytes = 1 << 16, .max_depth = 32};

void ReadMembers(const json::ObjectView& view, int depth) {
  for (const auto& member : view.object()) {
    const std::string_view name = member.key();
    ExpectAnswer(view.String(name));
    ExpectAnswer(view.Int(name));
    ExpectAnswer(view.Double(name));
    ExpectAnswer(view.Bool(name));
    ExpectAnswer(view.Strings(name));
    ExpectAnswer(view.StringMap(name));
    ExpectAnswer(view.RequireString(name));
    ExpectAnswer(view.RequireInt(name));
    ExpectAnswer(view.RequireDouble(name));
    if (depth >= 3) continue;
    const auto child = view.Child(name);
    if (ExpectAnswer(child) && *child) ReadMembers(**child, depth + 1);
    const auto children = view.Children(name);
    if (!ExpectAnswer(children)) continue;
    for (const auto& element : *children) ReadMembers(element, depth + 1);
  }
}

void ExpectTextReadsBack(std::string_view text) {
  const std::string valid = json::ToValidUtf8(text);
  FUZZ_EXPECT(json::IsValidUtf8(valid));
  FUZZ_EXPECT(json::IsValidUtf8(text) == (valid == text));
  std::string quoted;
  json::AppendString(quoted, valid);
  const auto value = json::Parse(quoted, {.max_bytes = SIZE_MAX});
  FUZZ_EXPECT(value.has_value(), "{}", quoted);
  FUZZ_EXPECT(value->is_string() && std::string_view(value->get_string()) == valid);
}

template <typename T>
void ExpectNumberReadsBack(std::string_view bytes) {
  T number{};
  if (bytes.size() < sizeof(T)) return;
  std::memcpy(&number, bytes.data(), sizeof(T));
  if (!std::isfinite(number)) return;
  std::string text;
  json::AppendNumber(text, number);
  FUZZ_EXPECT(text.size() <= json::kNumberBytes, "{}", text);
  FUZZ_EXPECT(static_cast<T>(std::strtod(text.c_str(), nullptr)) == number, "{}", text);
}

// The parser is some units in the last place off for numbers with many digits.
bool IsNear(double a, double b) { return a == b || std::abs(a - b) <= 1e-13 * std::abs(a); }

bool IsSame(const json::Value& a, const json::Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_double()) return IsNear(a.get_double(), b.get_double());
  if (a.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), IsSame);
  if (!a.is_object()) return a == b;
  return std::ranges::equal(a.get_object(), b.get_object(), [](const auto& x, const auto& y) {
    return x.key() == y.key() && IsSame(x.value(), y.value());
  });
}

void Run(Input input) {
  const std::string_view text = input.rest();
  ExpectTextReadsBack(text);
  ExpectNumberReadsBack<double>(text);
  ExpectNumberReadsBack<float>(text);
  const auto value = json::Parse(text, kLimits);
  if (!ExpectAnswer(value)) return;
  FUZZ_EXPECT(text.size() <= kLimits.max_bytes);
  const std::string written = json::Serialize(*value);
  const auto again = json::Parse(written, {.max_bytes = SIZE_MAX, .max_depth = kLimits.max_depth});
  FUZZ_EXPECT(again.has_value(), "{}", written);
  FUZZ_EXPECT(IsSame(*again, *value), "{}", written);
  const auto object = json::ParseObject(text, kLimits);
  if (ExpectAnswer(object)) ReadMembers(json::ObjectView(*object), 0);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
