// One question to several instances of an endpoint that are ready, and their answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/dispatcher.h"

namespace sarai::gateway {

// `done` is called once, with the 2xx answers that came in time, in no particular order. Errors:
// kNotFound (no such endpoint), kUnavailable (no instance answered).
using Gathered = std::move_only_function<void(Result<std::vector<http::Response>>)>;
void AskAll(Dispatcher& dispatcher, const std::string& endpoint, const http::Request& question,
            Gathered done);
// The same of those alone that hold the model.
void AskHolders(Dispatcher& dispatcher, const std::string& endpoint, const std::string& model,
                const http::Request& question, Gathered done);

}  // namespace sarai::gateway
