// `sarai explain MODEL`: where its bytes are, and why.
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/options.h"
#include "cli/subcommand.h"
#include "net/event_loops.h"
#include "net/transport.h"
#include "wire/http/text_of.h"
#include "wire/http/uri.h"

namespace sarai::cli {
namespace {

struct Flags {
  std::string model;
  std::string url = "http://127.0.0.1:8080";
};

Result<std::string> AddressOf(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme))
    return Error(Code::kInvalidArgument, "'{}' is not a URL such as http://127.0.0.1:8080", url);
  const std::string address =
      url.substr(kScheme.size(), url.find('/', kScheme.size()) - kScheme.size());
  SARAI_TRY([[maybe_unused]] const HostPort parsed, ParseHostPort(address));
  return address;
}

Result<std::string> Ask(const Flags& flags) {
  SARAI_TRY(const std::string address, AddressOf(flags.url));
  net::EventLoops loops(1);
  const auto transport = net::MakeHttpTransport(loops);
  http::Request request{
      .method = "GET",
      .target = "/sarai/v1/explain?format=text&model=" + http::PercentEncode(flags.model)};
  auto reply = net::SendAndWait(*transport, address, std::move(request), {});
  if (!reply) return Error(reply.error().status.WithContext("asking " + flags.url));
  std::string text = http::TextOf(*reply);
  if (reply->status != 200)
    return Error(Code::kNotFound, "{} answered {}: {}", flags.url, reply->status, text);
  return text;
}

int RunExplain(const Flags& flags) {
  const auto answer = Ask(flags);
  if (!answer) {
    std::fprintf(stderr, "sarai: %s\n", answer.error().message().c_str());
    return 1;
  }
  std::printf("%s\n", answer->c_str());
  return 0;
}

}  // namespace

void AddExplain(CLI::App& app, Run& run) {
  CLI::App* const command =
      app.add_subcommand("explain", "Where a model is, what it costs, and why it was moved");
  auto flags = std::make_shared<Flags>();
  command->add_option("model", flags->model, "TargetModel, or the name in the repository")
      ->required();
  command->add_option("--url", flags->url, "Of `sarai serve` or of one instance")
      ->capture_default_str();
  command->callback([flags, &run] { run = [flags] { return RunExplain(*flags); }; });
}

}  // namespace sarai::cli
