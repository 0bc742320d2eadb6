// GrpcServer: services on a free local port, and a channel to them, for the life of a test.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "services/call.h"

namespace citeseek::testing {

class GrpcServer {
 public:
  explicit GrpcServer(const std::vector<grpc::Service*>& grpc_services) {
    grpc::ServerBuilder builder;
    services::ApplyServerSettings(builder);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    for (grpc::Service* service : grpc_services) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
    channel_ = services::MakeChannel(address_);
  }
  ~GrpcServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace citeseek::testing
