#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace citeseek::testing {
namespace {

constexpr int kPatienceMs = 10000;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

HttpClient::HttpClient(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  fd_ = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) Close();
}

HttpClient::~HttpClient() { Close(); }

void HttpClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void HttpClient::HalfClose() { shutdown(fd_, SHUT_WR); }

bool HttpClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void HttpClient::Request(std::string_view method, std::string_view target, std::string_view body,
                         const HttpHeaders& headers) {
  std::string text =
      absl::StrCat(std::string(method), " ", std::string(target), " HTTP/1.1\r\nHost: test\r\n");
  bool typed = false;
  for (const auto& [name, value] : headers) {
    typed = typed || Lower(name) == "content-type";
    absl::StrAppend(&text, name, ": ", value, "\r\n");
  }
  if (!body.empty() && !typed) text += "Content-Type: application/json\r\n";
  if (!body.empty()) absl::StrAppend(&text, "Content-Length: ", body.size(), "\r\n");
  text += "\r\n";
  text += body;
  Send(text);
}

bool HttpClient::ReadMore() {
  if (fd_ < 0) return false;
  pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, kPatienceMs) != 1) return false;
  char bytes[65536];
  const ssize_t size = recv(fd_, bytes, sizeof(bytes), 0);
  if (size <= 0) return false;
  pending_.append(bytes, static_cast<std::size_t>(size));
  return true;
}

bool HttpClient::ClosedByServer() {
  while (ReadMore()) {
  }
  pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&ready, 1, 0) == 1;
}

std::string HttpClient::ReadUntil(std::string_view end) {
  std::size_t at = 0;
  while ((at = pending_.find(end)) == std::string::npos && ReadMore()) {
  }
  at = at == std::string::npos ? pending_.size() : at + end.size();
  std::string taken = pending_.substr(0, at);
  pending_.erase(0, at);
  return taken;
}

HttpReply HttpClient::ReadReply() {
  HttpReply reply;
  const std::string head = ReadUntil("\r\n\r\n");
  if (!head.starts_with("HTTP/1.")) return reply;
  reply.status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) {
      reply.headers[Lower(line.substr(0, colon))] = line.substr(colon + 2);
    }
    at = end + 2;
  }
  if (reply.headers.contains("transfer-encoding")) {
    while (true) {
      std::size_t size = 0;
      const std::string line = ReadUntil("\r\n");
      if (line.empty()) break;
      size = std::stoul(line, nullptr, 16);
      while (pending_.size() < size + 2 && ReadMore()) {
      }
      reply.body += pending_.substr(0, size);
      pending_.erase(0, size + 2);
      if (size == 0) break;
    }
    return reply;
  }
  std::size_t length = 0;
  const bool known =
      absl::SimpleAtoi(reply.headers["content-length"], &length) || reply.status == 204;
  while ((!known || pending_.size() < length) && ReadMore()) {
  }
  reply.body = known ? pending_.substr(0, length) : pending_;
  pending_.erase(0, reply.body.size());
  return reply;
}

HttpReply Fetch(const std::string& address, std::string_view method, std::string_view target,
                std::string_view body, const HttpHeaders& headers) {
  HttpClient client(address);
  client.Request(method, target, body, headers);
  return client.ReadReply();
}

std::vector<std::string> SseData(std::string_view body) {
  std::vector<std::string> events;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    if (body.starts_with("data: ")) events.emplace_back(body.substr(6, end - 6));
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return events;
}

}  // namespace citeseek::testing
