// Reads a ByteStream on the test's thread.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "base/byte_stream.h"

namespace sarai::net {

// The next part, or the end. Waits end after some seconds, with a chunk that is neither.
inline ByteStream::Chunk NextChunk(ByteStream& stream) {
  while (true) {
    auto more = std::make_shared<std::promise<void>>();
    auto told = more->get_future();
    ByteStream::Chunk chunk = stream.Read([more] { more->set_value(); });
    const bool waits = chunk.part.empty() && !chunk.ended;
    if (!waits || told.wait_for(std::chrono::seconds(20)) != std::future_status::ready)
      return chunk;
  }
}

struct StreamEnd {
  std::string body;
  bool ended = false;
  Status failure;
};

inline StreamEnd ReadToEnd(ByteStream& stream) {
  StreamEnd all;
  for (ByteStream::Chunk chunk = NextChunk(stream);; chunk = NextChunk(stream)) {
    all.body += chunk.part.text();
    if (chunk.part.empty()) return {std::move(all.body), chunk.ended, chunk.failure};
  }
}

}  // namespace sarai::net
