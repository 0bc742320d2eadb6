#include "services/http/page.h"

#include <openssl/evp.h>

#include <array>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/http/error.h"

namespace citeseek::http {
namespace {

// Nothing but our own script and style, no inline code, no frames around us; and texts become
// elements only by the DOM, never by a parser of HTML.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string TypeOf(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

std::string TagOf(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  const std::string_view first(reinterpret_cast<const char*>(digest.data()), 12);
  return absl::StrCat("\"", absl::BytesToHexString(std::string(first)), "\"");
}

}  // namespace

std::vector<Route> PageRoutes() {
  std::vector<Route> routes;
  for (const PageFile& file : PageFiles()) {
    const Fields headers = {{"ETag", TagOf(file.bytes)},
                            {"Cache-Control", "no-cache"},
                            {"Content-Security-Policy", kPolicy},
                            {"Referrer-Policy", "no-referrer"},
                            {"Cross-Origin-Opener-Policy", "same-origin"},
                            {"Cross-Origin-Resource-Policy", "same-origin"}};
    const std::string path =
        file.name == "index.html" ? "/" : absl::StrCat("/", std::string(file.name));
    routes.push_back({"GET", path, &kApiDialect,
                      [file, headers, type = TypeOf(file.name)](
                          const Request& request) -> absl::StatusOr<Outcome> {
                        const std::string& tag = headers[0].second;
                        const std::string_view known = Find(request.headers, "if-none-match");
                        if (known == "*" || known.find(tag) != std::string_view::npos) {
                          return Reply{.status = 304, .type = type, .headers = headers};
                        }
                        return Reply{
                            .type = type, .body = std::string(file.bytes), .headers = headers};
                      },
                      /*open=*/true});
  }
  return routes;
}

}  // namespace citeseek::http
