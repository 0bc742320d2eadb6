// HttpClient: raw HTTP/1.1 over a real socket, as well or as badly as a test wants it.
//
// Single-threaded. Nothing waits longer than 10 s.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace citeseek::testing {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpReply {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // without chunk marks
};

class HttpClient {
 public:
  explicit HttpClient(const std::string& address);  // "host:port"
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool Send(std::string_view bytes);  // false: the server has closed the connection
  void Request(std::string_view method, std::string_view target, std::string_view body = "",
               const HttpHeaders& headers = {});
  HttpReply ReadReply();  // a whole one
  // What came, up to and with `end`; all of it if the server closes before.
  std::string ReadUntil(std::string_view end);
  bool ClosedByServer();  // waits for it
  void HalfClose();
  void Close();

 private:
  bool ReadMore();

  int fd_ = -1;
  std::string pending_;
};

// A request on a connection of its own.
HttpReply Fetch(const std::string& address, std::string_view method, std::string_view target,
                std::string_view body = "", const HttpHeaders& headers = {});

// The data of the events of an SSE body, comments left out.
std::vector<std::string> SseData(std::string_view body);

}  // namespace citeseek::testing
