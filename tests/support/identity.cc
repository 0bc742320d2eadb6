#include "tests/support/identity.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

namespace citeseek::testing {
namespace {

template <typename Write>
std::string PemOf(const Write& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &data));
  std::string pem(data, size);
  BIO_free(bio);
  return pem;
}

template <typename T, typename Read>
T* FromPem(const std::string& pem, Read read) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  T* made = read(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return made;
}

}  // namespace

Identity MakeIdentity(const Identity* authority, long seconds) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  X509* x509 = X509_new();
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), seconds);
  X509_set_version(x509, 2);
  X509_set_pubkey(x509, key);
  const std::string common = authority == nullptr ? "citeseek test authority" : "citeseek test";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(x509, names, -1);
  X509_EXTENSION_free(names);
  if (authority == nullptr) {
    X509_EXTENSION* basic =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(x509, basic, -1);
    X509_EXTENSION_free(basic);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_sign(x509, key, EVP_sha256());
  } else {
    X509* issuer = FromPem<X509>(authority->certificate, PEM_read_bio_X509);
    EVP_PKEY* signer = FromPem<EVP_PKEY>(authority->key, PEM_read_bio_PrivateKey);
    X509_set_issuer_name(x509, X509_get_subject_name(issuer));
    X509_sign(x509, signer, EVP_sha256());
    X509_free(issuer);
    EVP_PKEY_free(signer);
  }
  Identity identity{.key = PemOf([&](BIO* bio) {
                      return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                                      nullptr);
                    }),
                    .certificate = PemOf([&](BIO* bio) { return PEM_write_bio_X509(bio, x509); })};
  X509_free(x509);
  EVP_PKEY_free(key);
  return identity;
}

}  // namespace citeseek::testing
