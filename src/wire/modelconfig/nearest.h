// "Did you mean": the name among those known that a mistyped one is closest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sarai::modelconfig {

// Empty where none is close: names that begin alike, or that differ in a third of their letters.
std::string Nearest(std::string_view name, const std::vector<std::string>& known);

// "; did you mean 'dims'?", or nothing.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& known);

}  // namespace sarai::modelconfig
