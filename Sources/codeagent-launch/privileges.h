// Giving capabilities up for good (capabilities(7)).
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

// Empties the set of what executables could ever give this process or its children.
void drop_bounding_set(void);

// Gives all capabilities up, and ends the launcher with a report where any is left.
void forget_capabilities(void);

#endif
