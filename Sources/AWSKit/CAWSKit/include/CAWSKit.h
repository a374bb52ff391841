#ifndef CAWSKIT_H
#define CAWSKIT_H
int cawskit_x(void);
#endif
