#include "CAWSKit.h"

#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Deeper than any AWS answer, and shallower than libxml2's own limit of 256.
#define DEPTH_CAPACITY 128

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_pointer;
#else
typedef xmlErrorPtr error_pointer;
#endif

// The document being built while libxml2 calls back, and the way down to the element that is open.
typedef struct {
  cawskit_xml_document *document;
  uint32_t node_capacity;
  uint32_t text_capacity;
  cawskit_xml_limits limits;
  cawskit_xml_result *result;
  // Not owned; to stop it.
  xmlParserCtxtPtr parser;
  uint32_t depth;
  uint32_t path[DEPTH_CAPACITY];
  uint32_t last_child[DEPTH_CAPACITY];
} builder;

static cawskit_xml_status append_text(builder *b, const xmlChar *text, size_t count, uint32_t *offset,
                                      uint32_t *length) {
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
  cawskit_xml_status status = append_text(b, name, strlen((const char *)name), &node->name_offset, &node->name_length);
  if (status == CAWSKIT_XML_OK) d->node_count++;
  return status;
}

// Adds to an element's text. Text beside child elements is layout, and left out.
static cawskit_xml_status add_text(builder *b, uint32_t index, const xmlChar *text, size_t count) {
  cawskit_xml_node *node = &b->document->nodes[index];
  if (node->first_child != 0) return CAWSKIT_XML_OK;
  uint32_t offset, length;
  cawskit_xml_status status = append_text(b, text, count, &offset, &length);
  if (status != CAWSKIT_XML_OK) return status;
  if (node->text_length == 0) node->text_offset = offset;
  node->text_length += length;
  return CAWSKIT_XML_OK;
}

// libxml2's callbacks: `context` is the builder of the parse that is going on, and nothing is kept of their arguments.

static void stop(builder *b, cawskit_xml_status status) {
  if (b->result->status == CAWSKIT_XML_OK) b->result->status = status;
  xmlStopParser(b->parser);
}

// Keeps the first error's number and line.
static void on_error(void *context, error_pointer error) {
  builder *b = context;
  if (b->result->code != 0 || error == NULL) return;
  b->result->code = error->code;
  b->result->line = error->line;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **namespace_list, int attributes, int defaulted, const xmlChar **attribute_list) {
  (void)prefix, (void)uri, (void)namespaces, (void)namespace_list;
  (void)attributes, (void)defaulted, (void)attribute_list;
  builder *b = context;
  if (b->result->status != CAWSKIT_XML_OK) return;
  if (b->depth >= DEPTH_CAPACITY || b->depth >= b->limits.depth) return stop(b, CAWSKIT_XML_TOO_DEEP);
  uint32_t index;
  cawskit_xml_status status = append_node(b, name, &index);
  if (status != CAWSKIT_XML_OK) return stop(b, status);
  if (b->depth > 0) {
    cawskit_xml_node *parent = &b->document->nodes[b->path[b->depth - 1]];
    if (parent->first_child == 0) {
      parent->first_child = index;
      parent->text_length = 0;
    } else {
      b->document->nodes[b->last_child[b->depth - 1]].next_sibling = index;
    }
    b->last_child[b->depth - 1] = index;
  }
  b->path[b->depth++] = index;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  (void)name, (void)prefix, (void)uri;
  builder *b = context;
  if (b->depth > 0) b->depth--;
}

static void on_text(void *context, const xmlChar *text, int length) {
  builder *b = context;
  if (b->result->status != CAWSKIT_XML_OK || b->depth == 0 || length <= 0) return;
  cawskit_xml_status status = add_text(b, b->path[b->depth - 1], text, (size_t)length);
  if (status != CAWSKIT_XML_OK) stop(b, status);
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id) {
  (void)name, (void)external_id, (void)system_id;
  stop(context, CAWSKIT_XML_DOCTYPE);
}

static void on_reference(void *context, const xmlChar *name) {
  (void)name;
  stop(context, CAWSKIT_XML_DOCTYPE);
}

// No callback that looks an entity up, loads a DTD or makes a tree: what is not here is not done.
static const xmlSAXHandler handler = {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = on_doctype,
    .reference = on_reference,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .serror = on_error,
};

// A thread's parser, kept between documents: making one costs as much as reading a small answer.
typedef struct {
  xmlParserCtxtPtr parser;
  // The bytes of all documents that it has read.
  size_t length;
} kept_parser;

// The parser holds the last document, and every name that it has met, of which libxml2 takes some millions of bytes: it
// goes when it has read so much.
#define KEPT_LENGTH 262144

static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static pthread_key_t kept_key;
static bool has_key;

static void drop_parser(void *data) {
  kept_parser *kept = data;
  xmlFreeParserCtxt(kept->parser);
  free(kept);
}

// libxml2 2.9 sets up its globals lazily and not thread-safely; once, before any reader exists.
static void initialise(void) {
  xmlInitParser();
  has_key = pthread_key_create(&kept_key, drop_parser) == 0;
}

// Takes the thread's parser, or a new one; whoever has it gives it back.
static kept_parser *take_parser(void) {
  kept_parser *kept = has_key ? pthread_getspecific(kept_key) : NULL;
  if (kept != NULL) {
    pthread_setspecific(kept_key, NULL);
    return kept;
  }
  kept = calloc(1, sizeof *kept);
  if (kept == NULL) return NULL;
  kept->parser = xmlNewParserCtxt();
  if (kept->parser == NULL) {
    free(kept);
    return NULL;
  }
  *kept->parser->sax = handler;
  return kept;
}

// Keeps a parser for the thread's next document, unless this one was bad or it has read enough.
static void give_parser(kept_parser *kept, bool was_good, size_t length) {
  kept->length += length;
  bool keeps = has_key && was_good && kept->length < KEPT_LENGTH;
  if (!keeps || pthread_setspecific(kept_key, kept) != 0) drop_parser(kept);
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
  result.status = CAWSKIT_XML_OK;
  builder b = {.document = document,
               .node_capacity = 32,
               .text_capacity = (uint32_t)(length < 256 ? 256 : length),
               .limits = limits,
               .result = &result};
  document->nodes = malloc(b.node_capacity * sizeof(cawskit_xml_node));
  document->text = malloc(b.text_capacity);
  kept_parser *kept = document->nodes == NULL || document->text == NULL ? NULL : take_parser();
  if (kept == NULL) {
    result.status = CAWSKIT_XML_NO_MEMORY;
  } else {
    b.parser = kept->parser;
    b.parser->userData = &b;
    // No NOENT, no DTDLOAD, no HUGE: entities stay unexpanded, nothing is fetched, libxml2's own limits hold. No
    // callback makes a tree, so there is none to free.
    xmlCtxtReadMemory(b.parser, (const char *)bytes, (int)length, NULL, NULL, XML_PARSE_NONET);
    bool is_good = b.parser->wellFormed && document->node_count > 0;
    if (result.status == CAWSKIT_XML_OK && !is_good) result.status = CAWSKIT_XML_MALFORMED;
    b.parser->userData = NULL;
    give_parser(kept, result.status == CAWSKIT_XML_OK, length);
  }
  if (result.status != CAWSKIT_XML_OK) cawskit_xml_free(document);
  return result;
}

void cawskit_xml_free(cawskit_xml_document *document) {
  free(document->nodes);
  free(document->text);
  memset(document, 0, sizeof(*document));
}
