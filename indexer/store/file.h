// File: the one small door to the file system, which turns every failure into a Status.
//
// Messages name the operation, the path and the system's reason. kNotFound (no such file),
// kResourceExhausted (disk full), kPermissionDenied, kDataLoss (I/O error), else kInternal.
// FileWriter is single-threaded; the others are thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "indexer/store/coding.h"

namespace citeseek::indexer {

absl::Status ErrnoStatus(int error, std::string_view operation, std::string_view path);

// A file mapped for reading; it stays readable after it has been removed.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

// Writes a new file (or truncates one) through a buffer. Only Finish makes it durable.
class FileWriter {
 public:
  static absl::StatusOr<FileWriter> Create(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();  // closes; the file is then unfinished

  absl::Status Append(std::string_view bytes);
  absl::Status Finish();  // writes, fsyncs, closes

 private:
  FileWriter(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  absl::Status Flush();

  int fd_ = -1;
  std::string path_;
  std::string buffer_;
};

// An exclusive lock on a file, which holds the owner's process id. Released by the destructor.
class FileLock {
 public:
  // kFailedPrecondition, naming the directory and the holder, if it is taken.
  static absl::StatusOr<FileLock> Take(const std::string& directory);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

absl::Status MakeDirectory(const std::string& path);  // with its parents
absl::Status SyncDirectory(const std::string& path);
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
// After OK the file has these bytes; after a failure or a crash these or the old ones.
absl::Status ReplaceFile(const std::string& path, std::string_view bytes);
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);  // names, sorted
absl::Status RemoveTree(const std::string& path);  // OK if there is nothing
std::uint64_t TreeBytes(const std::string& path);  // sizes of all files below; 0 if unreadable

}  // namespace citeseek::indexer
