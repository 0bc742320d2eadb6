#include "services/http/annotations.h"

#include <gtest/gtest.h>

namespace citeseek::http {
namespace {

gateway::Citation Cited(int marker, std::uint32_t start, std::uint32_t end) {
  return {.marker = marker,
          .document_id = "a b",
          .collection = "c&d",
          .version = 7,
          .title = "T",
          .uri = "https://x.example/1",
          .answer_start = start,
          .answer_end = end};
}

TEST(Annotations, PlacesAreMarkersInCodePoints) {
  Annotations annotations;
  EXPECT_EQ(
      annotations.Note(gateway::SearchedEvent{{{.passage_id = "p#1"}, {.passage_id = "p#2"}}}),
      nullptr);
  EXPECT_EQ(annotations.Note(gateway::AnswerEvent{"桥开了。[2] It did."}), nullptr);
  const Annotation second = *annotations.Note(gateway::CitationEvent{Cited(2, 0, 12)});
  EXPECT_EQ(second.start, 4u);
  EXPECT_EQ(second.end, 7u);
  EXPECT_EQ(second.url, "https://x.example/1");
  EXPECT_EQ(second.title, "T");
  EXPECT_EQ(second.passage_id, "p#2");
  annotations.Note(gateway::AnswerEvent{" [1] 又[1]。"});
  EXPECT_EQ(annotations.Note(gateway::CitationEvent{Cited(1, 16, 23)})->start, 16u);
  EXPECT_EQ(annotations.Note(gateway::CitationEvent{Cited(1, 16, 23)})->start, 21u);
  EXPECT_EQ(annotations.all().size(), 3u);
}

TEST(Annotations, WithoutAMarkerThePlaceIsTheSentence) {
  Annotations annotations;
  annotations.Note(gateway::AnswerEvent{"é one two"});
  const Annotation place = *annotations.Note(gateway::CitationEvent{Cited(3, 3, 100)});
  EXPECT_EQ(place.start, 2u);
  EXPECT_EQ(place.end, 9u);
  EXPECT_EQ(place.passage_id, "");
}

TEST(Annotations, ADocumentWithoutAWebAddressIsOnThisServer) {
  gateway::Citation citation = Cited(1, 0, 0);
  citation.uri = "javascript:alert(1)";
  citation.title.clear();
  EXPECT_EQ(UrlOf(citation), "/api/v1/documents/a%20b?version=7&collection=c%26d");
  Annotations annotations;
  EXPECT_EQ(annotations.Note(gateway::CitationEvent{citation})->title, "a b");
}

}  // namespace
}  // namespace citeseek::http
