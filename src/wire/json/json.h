// JSON bodies of control APIs: parsed with bounds, read through typed getters whose errors name the
// member by its path ("ProductionVariants[0].InitialInstanceCount"), and written back.
// Tensors do not come this way: wire/kserve parses them straight into their buffers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/status.h"

namespace sarai::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct ParseLimits {
  size_t max_bytes = 16u << 20;
  size_t max_depth = 64;
};

// Errors: kInvalidArgument with the offset where the text stops being JSON, or the limit exceeded.
Result<Value> Parse(std::string_view text, const ParseLimits& limits = {});
// Also an error when the text holds something else. Blank text is an empty object: AWS clients may
// send no body at all.
Result<Object> ParseObject(std::string_view text, const ParseLimits& limits = {});

// Numbers are written plainly (1.0, not 1E0); infinity, which 1e999 is read as, is 1e999 again.
std::string Serialize(const Value& value);

// Reads the members of one object. A view: the object must outlive it. A member that is null counts
// as absent. Getters return nothing for an absent member and kInvalidArgument for one of another
// type; Require… also refuse absence.
class ObjectView {
 public:
  explicit ObjectView(const Object& object, std::string path = "")
      : object_(&object), path_(std::move(path)) {}

  const Object& object() const { return *object_; }
  bool Has(std::string_view member) const { return Find(member) != nullptr; }

  Result<std::optional<std::string>> String(std::string_view member) const;
  Result<std::optional<int64_t>> Int(std::string_view member) const;
  Result<std::optional<double>> Double(std::string_view member) const;  // any number
  Result<std::optional<bool>> Bool(std::string_view member) const;
  Result<std::optional<ObjectView>> Child(std::string_view member) const;

  // Empty when absent.
  Result<std::vector<ObjectView>> Children(std::string_view member) const;
  Result<std::vector<std::string>> Strings(std::string_view member) const;
  Result<std::map<std::string, std::string>> StringMap(std::string_view member) const;

  Result<std::string> RequireString(std::string_view member) const;
  Result<int64_t> RequireInt(std::string_view member) const;
  Result<double> RequireDouble(std::string_view member) const;

 private:
  const Value* Find(std::string_view member) const;
  std::string PathOf(std::string_view member) const;
  Status WrongType(std::string_view member, std::string_view wanted) const;
  Status Missing(std::string_view member) const;

  const Object* object_;
  std::string path_;  // of this object; empty for the outermost one
};

}  // namespace sarai::json
