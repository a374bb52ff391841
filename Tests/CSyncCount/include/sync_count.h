#ifndef SYNC_COUNT_H
#define SYNC_COUNT_H

/// How often this process has synced a file since it began: its fsync and fdatasync take the place of the C library's, for
/// every library of the process. Counts files by what they are, whatever they were called then; -1 for a path that is not
/// there.
long sync_count(const char *path);

#endif
