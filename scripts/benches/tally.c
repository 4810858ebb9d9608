#include "tally.h"
#include "verify.h"

static size_t total_bytes, window_bytes, finished;
static double *first_ms, *last_ms; /* of each finished request */

void tally_bytes(size_t size, bool in_window)
{
	total_bytes += size;
	window_bytes += in_window ? size : 0;
}

void tally_answer(double first, double last)
{
	size_t size = (finished + 1) * sizeof(double);
	first_ms = must(realloc(first_ms, size));
	last_ms = must(realloc(last_ms, size));
	first_ms[finished] = first;
	last_ms[finished++] = last;
}

static void print_list(const char *name, const double *values)
{
	printf(", \"%s\": [", name);
	for (size_t i = 0; i < finished; i++)
		printf("%s%.3f", i ? ", " : "", values[i]);
	printf("]");
}

void tally_print(void)
{
	printf("{\"requests\": %zu, \"body_bytes\": %zu, \"window_bytes\": %zu, \"errors\": %zu, \"complaint\": \"%s\"",
	       finished, total_bytes, window_bytes, errors, complaint);
	print_list("first_ms", first_ms);
	print_list("last_ms", last_ms);
	printf("}\n");
	fflush(stdout);
}
