#include "backends/openvino/ov_errors.h"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/memory_account.h"
#include "base/strings.h"

namespace sarai::backends::openvino {
namespace {

constexpr size_t kMessageBytesMax = 2048;

// Messages come with a line for each place of OpenVINO's source that they passed.
std::string WithoutPlaces(std::string_view text) {
  std::vector<std::string> kept;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    if (!trimmed.empty() && !trimmed.starts_with("Exception from ")) kept.emplace_back(trimmed);
  }
  return Join(kept, " ").substr(0, kMessageBytesMax);
}

bool RanOutOfMemory() {
  const ScopedAccount* scope = ScopedAccount::Current();
  return scope != nullptr && scope->ran_out_of_memory();
}

}  // namespace

Status CurrentException(Code code) {
  if (RanOutOfMemory()) code = Code::kResourceExhausted;
  try {
    throw;
  } catch (const std::bad_alloc& error) {
    return MakeStatus(Code::kResourceExhausted, "OpenVINO: {}", error.what());
  } catch (const std::exception& error) {
    return MakeStatus(code, "OpenVINO: {}", WithoutPlaces(error.what()));
  } catch (...) {
    return MakeStatus(code, "OpenVINO: an exception of unknown type");
  }
}

}  // namespace sarai::backends::openvino
