// A response's body as one text.
#pragma once

#include <string>

#include "wire/http/message.h"

namespace sarai::http {

inline std::string TextOf(const Response& response) {
  std::string text;
  for (const Blob& part : response.body) text += part.text();
  return text;
}

}  // namespace sarai::http
