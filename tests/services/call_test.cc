#include "services/call.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace citeseek::services {
namespace {

TEST(WaitConnected, AServerThatIsBusyWhileOneConnectsIsWaitedFor) {
  grpc::ServerBuilder builder;
  const auto queue = builder.AddCompletionQueue();  // for there is no service
  const auto server = builder.BuildAndStart();
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(where);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&where), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size), 0);
  std::jthread busy([&] {  // connections stand, but nobody speaks on the first for a while
    for (bool first = true;; first = false) {
      const int fd = accept(listener, nullptr, nullptr);
      if (fd < 0) return;
      if (first) std::this_thread::sleep_for(std::chrono::milliseconds(400));
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
      grpc::AddInsecureChannelFromFd(server.get(), fd);
    }
  });
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(where.sin_port));
  const auto channel = MakeChannel(address);
  const auto status =
      WaitConnected(*channel, address, absl::Now() + absl::Seconds(10), /*patient=*/false);
  EXPECT_TRUE(status.ok()) << status;
  shutdown(listener, SHUT_RDWR);
  busy.join();
  close(listener);
  server->Shutdown(std::chrono::system_clock::now());
  queue->Shutdown();
  void* tag = nullptr;
  for (bool ok = true; queue->Next(&tag, &ok);) continue;
}

}  // namespace
}  // namespace citeseek::services
