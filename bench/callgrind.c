/* What a programme under callgrind says to it; without callgrind it says nothing. */
#include <valgrind/callgrind.h>

void part(const char *name) { CALLGRIND_DUMP_STATS_AT(name); } /* what ran since the last part ends here */
void toggle(void) { CALLGRIND_TOGGLE_COLLECT; }                /* do not count, or count again */
void stop(void) { CALLGRIND_STOP_INSTRUMENTATION; }            /* do not even look: faster, if for long */
void start(void) { CALLGRIND_START_INSTRUMENTATION; }
