// Typed C functions. Over libxml2's parser: bytes in, a flat tree out; no libxml2 header reaches Swift.
#ifndef CAWSKIT_H
#define CAWSKIT_H

#include <stddef.h>
#include <stdint.h>

// An element. Offsets are into the document's `text`; node 0 is the root, so 0 also says "no such node".
typedef struct {
  uint32_t name_offset;
  uint32_t name_length;
  uint32_t text_offset;
  uint32_t text_length;
  uint32_t first_child;
  uint32_t next_sibling;
} cawskit_xml_node;

typedef struct {
  cawskit_xml_node *nodes;
  uint32_t node_count;
  uint8_t *text;
  uint32_t text_length;
} cawskit_xml_document;

typedef struct {
  uint32_t bytes;
  uint32_t nodes;
  uint32_t depth;
} cawskit_xml_limits;

typedef enum {
  CAWSKIT_XML_OK = 0,
  CAWSKIT_XML_MALFORMED,
  CAWSKIT_XML_DOCTYPE,
  CAWSKIT_XML_TOO_DEEP,
  CAWSKIT_XML_TOO_LARGE,
  CAWSKIT_XML_NO_MEMORY,
} cawskit_xml_status;

typedef struct {
  cawskit_xml_status status;
  // libxml2's number of the first error, and its line; no text of the document.
  int code;
  int line;
} cawskit_xml_result;

// Parses a whole document. On CAWSKIT_XML_OK the caller owns `document` and ends it with `cawskit_xml_free`; on any
// other status nothing is left to free.
cawskit_xml_result cawskit_xml_parse(const uint8_t *bytes, size_t length, cawskit_xml_limits limits,
                                     cawskit_xml_document *document);

void cawskit_xml_free(cawskit_xml_document *document);

// Checksums of S3, continued from the value before, at first 0.
uint32_t cawskit_crc32(uint32_t crc, const uint8_t *bytes, size_t count);
uint32_t cawskit_crc32c(uint32_t crc, const uint8_t *bytes, size_t count);
uint64_t cawskit_crc64nvme(uint64_t crc, const uint8_t *bytes, size_t count);

// A pipe that no child process inherits. 0, or -1 with errno set.
int cawskit_pipe(int ends[2]);

#endif
