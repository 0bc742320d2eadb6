#include "services/http/annotations.h"

#include <gtest/gtest.h>

namespace citeseek::http {
namespace {

gateway::Citation Cited(int marker, std::uint32_t start, std::uint32_t end) {
  return {.marker = marker,
          .document_id = "a b",
          .version = 7,
          .title = "T",
          .uri = "https://x.example/1",
          .answer_start = start,
          .answer_end = end};
}

TEST(Annotations, PlacesAreMarkersInCodePoints) {
  Annotations annotations;
  const std::string text = "桥开了。[2] It did. [1] 又[1]。";
  const Annotation second = annotations.Place(text, Cited(2, 0, 12));
  EXPECT_EQ(second.start, 4u);
  EXPECT_EQ(second.end, 7u);
  EXPECT_EQ(second.url, "https://x.example/1");
  EXPECT_EQ(second.title, "T");
  EXPECT_EQ(annotations.Place(text, Cited(1, 16, 23)).start, 16u);
  EXPECT_EQ(annotations.Place(text, Cited(1, 16, 23)).start, 21u);  // the next one of the same
}

TEST(Annotations, WithoutAMarkerThePlaceIsTheSentence) {
  Annotations annotations;
  const Annotation place = annotations.Place("é one two", Cited(3, 3, 100));
  EXPECT_EQ(place.start, 2u);
  EXPECT_EQ(place.end, 9u);
}

TEST(Annotations, ADocumentWithoutAWebAddressIsOnThisServer) {
  gateway::Citation citation = Cited(1, 0, 0);
  citation.uri = "javascript:alert(1)";
  citation.title.clear();
  EXPECT_EQ(UrlOf(citation), "/api/v1/documents/a%20b?version=7");
  EXPECT_EQ(Annotations().Place("", citation).title, "a b");
}

}  // namespace
}  // namespace citeseek::http
