#include "CAWSKit.h"

#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/xmlreader.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Deeper than any AWS answer, and shallower than libxml2's own limit of 256.
#define DEPTH_CAPACITY 128

static pthread_once_t initialised = PTHREAD_ONCE_INIT;

// libxml2 2.9 sets up its globals lazily and not thread-safely; once, before any reader exists.
static void initialise(void) { xmlInitParser(); }

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_pointer;
#else
typedef xmlErrorPtr error_pointer;
#endif

// Called by the reader while it reads; keeps the first error's number and line, retains nothing.
static void note_error(void *context, error_pointer error) {
  cawskit_xml_result *result = context;
  if (result->code == 0 && error != NULL) {
    result->code = error->code;
    result->line = error->line;
  }
}

typedef struct {
  cawskit_xml_document *document;
  uint32_t node_capacity;
  uint32_t text_capacity;
  cawskit_xml_limits limits;
} builder;

static cawskit_xml_status append_text(builder *b, const xmlChar *text, uint32_t *offset, uint32_t *length) {
  size_t count = text == NULL ? 0 : strlen((const char *)text);
  cawskit_xml_document *d = b->document;
  // Names repeat, so the arena may outgrow the input; it is bounded by the number of nodes all the same.
  if (count > UINT32_MAX / 4 || d->text_length > UINT32_MAX / 4) return CAWSKIT_XML_TOO_LARGE;
  size_t needed = (size_t)d->text_length + count;
  if (needed > b->text_capacity) {
    size_t capacity = (size_t)b->text_capacity * 2;
    if (capacity < needed) capacity = needed;
    if (capacity > UINT32_MAX) return CAWSKIT_XML_TOO_LARGE;
    uint8_t *grown = realloc(d->text, capacity);
    if (grown == NULL) return CAWSKIT_XML_NO_MEMORY;
    d->text = grown;
    b->text_capacity = (uint32_t)capacity;
  }
  *offset = d->text_length;
  *length = (uint32_t)count;
  if (count > 0) memcpy(d->text + d->text_length, text, count);
  d->text_length = (uint32_t)needed;
  return CAWSKIT_XML_OK;
}

static cawskit_xml_status append_node(builder *b, const xmlChar *name, uint32_t *index) {
  cawskit_xml_document *d = b->document;
  if (d->node_count >= b->limits.nodes) return CAWSKIT_XML_TOO_LARGE;
  if (d->node_count == b->node_capacity) {
    size_t capacity = (size_t)b->node_capacity * 2;
    cawskit_xml_node *grown = realloc(d->nodes, capacity * sizeof(cawskit_xml_node));
    if (grown == NULL) return CAWSKIT_XML_NO_MEMORY;
    d->nodes = grown;
    b->node_capacity = (uint32_t)capacity;
  }
  *index = d->node_count;
  cawskit_xml_node *node = &d->nodes[d->node_count];
  memset(node, 0, sizeof(*node));
  cawskit_xml_status status = append_text(b, name, &node->name_offset, &node->name_length);
  if (status == CAWSKIT_XML_OK) d->node_count++;
  return status;
}

// Adds to an element's text. Text beside child elements is layout, and left out.
static cawskit_xml_status add_text(builder *b, uint32_t index, const xmlChar *text) {
  cawskit_xml_node *node = &b->document->nodes[index];
  if (node->first_child != 0) return CAWSKIT_XML_OK;
  uint32_t offset, length;
  cawskit_xml_status status = append_text(b, text, &offset, &length);
  if (status != CAWSKIT_XML_OK) return status;
  if (node->text_length == 0) node->text_offset = offset;
  node->text_length += length;
  return CAWSKIT_XML_OK;
}

static cawskit_xml_status build(xmlTextReaderPtr reader, builder *b) {
  uint32_t path[DEPTH_CAPACITY];
  uint32_t last_child[DEPTH_CAPACITY];
  uint32_t depth = 0;
  int has_root = 0;
  uint32_t max_depth = b->limits.depth < DEPTH_CAPACITY ? b->limits.depth : DEPTH_CAPACITY;
  for (;;) {
    int more = xmlTextReaderRead(reader);
    if (more < 0) return CAWSKIT_XML_MALFORMED;
    if (more == 0) return has_root && depth == 0 ? CAWSKIT_XML_OK : CAWSKIT_XML_MALFORMED;
    cawskit_xml_status status = CAWSKIT_XML_OK;
    switch (xmlTextReaderNodeType(reader)) {
      case XML_READER_TYPE_ELEMENT: {
        if (depth == 0 && has_root) return CAWSKIT_XML_MALFORMED;
        if (depth >= max_depth) return CAWSKIT_XML_TOO_DEEP;
        uint32_t index;
        status = append_node(b, xmlTextReaderConstLocalName(reader), &index);
        if (status != CAWSKIT_XML_OK) return status;
        if (depth > 0) {
          cawskit_xml_node *parent = &b->document->nodes[path[depth - 1]];
          if (parent->first_child == 0) {
            parent->first_child = index;
            parent->text_length = 0;
          } else {
            b->document->nodes[last_child[depth - 1]].next_sibling = index;
          }
          last_child[depth - 1] = index;
        }
        has_root = 1;
        if (!xmlTextReaderIsEmptyElement(reader)) path[depth++] = index;
        break;
      }
      case XML_READER_TYPE_END_ELEMENT:
        if (depth == 0) return CAWSKIT_XML_MALFORMED;
        depth--;
        break;
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_WHITESPACE:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        if (depth > 0) status = add_text(b, path[depth - 1], xmlTextReaderConstValue(reader));
        if (status != CAWSKIT_XML_OK) return status;
        break;
      case XML_READER_TYPE_DOCUMENT_TYPE:
      case XML_READER_TYPE_ENTITY:
      case XML_READER_TYPE_ENTITY_REFERENCE:
      case XML_READER_TYPE_END_ENTITY:
      case XML_READER_TYPE_NOTATION:
        return CAWSKIT_XML_DOCTYPE;
      default:
        // Comments, processing instructions, the declaration.
        break;
    }
  }
}

cawskit_xml_result cawskit_xml_parse(const uint8_t *bytes, size_t length, cawskit_xml_limits limits,
                                     cawskit_xml_document *document) {
  cawskit_xml_result result = {CAWSKIT_XML_MALFORMED, 0, 0};
  memset(document, 0, sizeof(*document));
  if (length == 0 || bytes == NULL) return result;
  if (length > limits.bytes || length > INT32_MAX / 2) {
    result.status = CAWSKIT_XML_TOO_LARGE;
    return result;
  }
  pthread_once(&initialised, initialise);
  builder b = {document, 32, (uint32_t)(length < 256 ? 256 : length), limits};
  document->nodes = malloc(b.node_capacity * sizeof(cawskit_xml_node));
  document->text = malloc(b.text_capacity);
  // No NOENT, no DTDLOAD, no HUGE: entities stay unexpanded, nothing is fetched, libxml2's own limits hold.
  int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_COMPACT;
  xmlTextReaderPtr reader = document->nodes == NULL || document->text == NULL
                                ? NULL
                                : xmlReaderForMemory((const char *)bytes, (int)length, NULL, NULL, options);
  if (reader == NULL) {
    result.status = CAWSKIT_XML_NO_MEMORY;
  } else {
    xmlTextReaderSetStructuredErrorHandler(reader, note_error, &result);
    result.status = build(reader, &b);
    xmlFreeTextReader(reader);
  }
  if (result.status != CAWSKIT_XML_OK) cawskit_xml_free(document);
  return result;
}

void cawskit_xml_free(cawskit_xml_document *document) {
  free(document->nodes);
  free(document->text);
  memset(document, 0, sizeof(*document));
}
