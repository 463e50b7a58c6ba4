#include "store/test_s3_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "store/sha256.h"
#include "wire/http/uri.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace {

constexpr char kAccessKey[] = "test-access";
constexpr char kSecretKey[] = "test-secret-key";
constexpr int kPollMilliseconds = 20;
constexpr int kMostPolls = 1500;

void RunServer(const std::string& data) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int quiet = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(quiet, fd);
  ::execl(SARAI_VERSITYGW, "versitygw", "--port", "127.0.0.1:0", "--access", kAccessKey, "--secret",
          kSecretKey, "--quiet", "--keep-alive", "posix", data.c_str(), nullptr);
  ::_exit(127);
}

std::set<std::string> SocketsOf(pid_t pid) {
  std::set<std::string> inodes;
  std::error_code error;
  for (fs::directory_iterator it(fmt::format("/proc/{}/fd", pid), error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(it->path(), gone).string();
    if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
  }
  return inodes;
}

}  // namespace

std::unique_ptr<TestS3Server> TestS3Server::Start() {
  if (::access(SARAI_VERSITYGW, X_OK) != 0) return nullptr;
  std::unique_ptr<TestS3Server> server(new TestS3Server);
  const std::string data = server->folder_.path("data");
  fs::create_directories(data);
  server->pid_ = ::fork();
  if (server->pid_ == 0) RunServer(data);
  for (int i = 0; i < kMostPolls && !server->FindPort(); ++i) {
    ::poll(nullptr, 0, kPollMilliseconds);
    if (::waitpid(server->pid_, nullptr, WNOHANG) != 0) break;
  }
  EXPECT_NE(server->port_, 0) << "versitygw does not listen";
  return server;
}

TestS3Server::~TestS3Server() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

// The listening socket among the server's own: "…: 0100007F:PORT 00000000:0000 0A … inode".
bool TestS3Server::FindPort() {
  const std::set<std::string> inodes = SocketsOf(pid_);
  std::ifstream table(fmt::format("/proc/{}/net/tcp", pid_));
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
        timeout >> inode;
    if (state != "0A" || !inodes.contains(inode)) continue;
    port_ = std::stoi(local.substr(local.find(':') + 1), nullptr, 16);
    return true;
  }
  return false;
}

std::string TestS3Server::endpoint() const { return fmt::format("http://127.0.0.1:{}", port_); }

Environment TestS3Server::environment() const {
  return {{"AWS_ACCESS_KEY_ID", kAccessKey},
          {"AWS_SECRET_ACCESS_KEY", kSecretKey},
          {"AWS_ENDPOINT_URL_S3", endpoint()}};
}

void TestS3Server::PutObject(const std::string& bucket, const std::string& key,
                             const std::string& bytes) {
  Put('/' + bucket + '/' + http::PercentEncode(key, http::KeepSlash::kYes), bytes);
}

void TestS3Server::Put(const std::string& path, const std::string& bytes) {
  http::Request request{.method = "PUT", .target = path};
  sigv4::Sign(request, fmt::format("127.0.0.1:{}", port_), {"us-east-1", "s3"},
              {kAccessKey, kSecretKey, ""}, clock_.WallNow(), Sha256Hex(bytes));
  const auto reply = http_.Perform({.method = "PUT",
                                    .url = endpoint() + path,
                                    .headers = request.headers.fields(),
                                    .body = bytes});
  ASSERT_TRUE(reply.has_value()) << reply.error().ToString();
  ASSERT_TRUE(reply->ok()) << reply->status << ' ' << reply->body;
}

}  // namespace sarai::store
