// libxml2's headers pull in ICU's where it was built with it, and those clash with Foundation's own copy of them.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/xmlreader.h>
