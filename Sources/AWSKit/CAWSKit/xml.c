#include "CAWSKit.h"
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/xmlreader.h>
int cawskit_x(void) { return LIBXML_VERSION; }
