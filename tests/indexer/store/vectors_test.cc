#include "indexer/store/vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/support/temp_directory.h"

namespace citeseek::indexer {
namespace {

struct Written {
  TempDirectory directory;
  std::vector<std::vector<float>> rows;
  std::vector<float> scales;
  BlockFile file;
  Vectors vectors;
  std::string path() const { return directory.path() / "vectors.faiss"; }
};

std::vector<float> RandomUnit(int dimension, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> row(static_cast<std::size_t>(dimension));
  float squares = 0;
  for (float& x : row) {
    x = normal(random);
    squares += x * x;
  }
  for (float& x : row) x /= std::sqrt(squares);
  return row;
}

std::unique_ptr<Written> Write(int dimension, std::uint32_t count) {
  auto written = std::make_unique<Written>();
  std::mt19937 random(7);
  auto writer = VectorWriter::Create(written->directory.path(), dimension, count);
  EXPECT_TRUE(writer.ok()) << writer.status();
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(dimension));
  for (std::uint32_t i = 0; i < count; ++i) {
    written->rows.push_back(i == 3 ? std::vector<float>(static_cast<std::size_t>(dimension))
                                   : RandomUnit(dimension, random));
    written->scales.push_back(QuantizeVector(written->rows.back(), codes.data()));
    EXPECT_TRUE(writer->Append(codes).ok());
  }
  EXPECT_TRUE(writer->Finish().ok());
  written->file = *BlockFile::Open(written->path());
  auto vectors = Vectors::Make(written->file.content(), dimension, count);
  EXPECT_TRUE(vectors.ok()) << vectors.status();
  written->vectors = *std::move(vectors);
  return written;
}

float Dot(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

class VectorsOf : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Dimensions, VectorsOf, ::testing::Values(1, 3, 8, 33, 64, 512));

TEST_P(VectorsOf, ScoresAreDotProductsAndTheOrderIsTheirs) {
  const auto written = Write(GetParam(), 300);
  std::mt19937 random(8);
  const std::vector<float> query = RandomUnit(GetParam(), random);
  const auto hits = written->vectors.Search(query, 300, written->scales, nullptr);
  ASSERT_EQ(hits.size(), 300U);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    EXPECT_NEAR(hits[i].score, Dot(query, written->rows[hits[i].passage]), 0.01);
    if (i > 0) {
      EXPECT_GE(hits[i - 1].score, hits[i].score);
    }
  }
  const auto ten = written->vectors.Search(query, 10, written->scales, nullptr);
  ASSERT_EQ(ten.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(ten[i].passage, hits[i].passage);
}

TEST_P(VectorsOf, CandidatesLimitTheSearch) {
  const auto written = Write(GetParam(), 300);
  std::mt19937 random(9);
  const std::vector<float> query = RandomUnit(GetParam(), random);
  std::vector<std::uint64_t> candidates(5);
  for (const PassageId p : {0U, 64U, 65U, 130U, 299U}) candidates[p / 64] |= 1ULL << (p % 64);
  const auto hits = written->vectors.Search(query, 10, written->scales, &candidates);
  ASSERT_EQ(hits.size(), 5U);
  for (const VectorHit& hit : hits) {
    EXPECT_NE(candidates[hit.passage / 64] >> (hit.passage % 64) & 1, 0U);
    EXPECT_NEAR(hit.score, Dot(query, written->rows[hit.passage]), 0.01);
  }
}

TEST_P(VectorsOf, FaissReadsTheSameVectors) {
  const auto written = Write(GetParam(), 300);
  EXPECT_TRUE(CheckWithFaiss(written->path(), written->vectors, 300).ok());
}

TEST(Vectors, OfAnotherShapeAreRefused) {
  const auto written = Write(8, 10);
  EXPECT_FALSE(Vectors::Make(written->file.content(), 8, 11).ok());
  EXPECT_FALSE(Vectors::Make(written->file.content(), 9, 10).ok());
  EXPECT_FALSE(Vectors::Make({}, 8, 0).ok());
  EXPECT_EQ(Vectors::Make(written->file.content(), 0, 10).status().message(),
            "dimension 0 is not in [1, 8192]");
}

}  // namespace
}  // namespace citeseek::indexer
