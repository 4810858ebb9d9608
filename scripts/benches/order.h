/* What one request to the upstream asks for, and whether the images in its form are the ones that were sent. */
#ifndef BENCH_ORDER_H
#define BENCH_ORDER_H

#include "common.h"

enum { FORM_TEXT = 32 << 10 };

/* A form that arrives in pieces: its text is kept, its images are compared. All zeros before it. */
struct form {
	char text[FORM_TEXT]; /* everything but the contents of images */
	size_t size, seen;    /* of the text; up to `seen` no image begins any more */
	bool in_image;
	size_t matched, images;
};

/* What the prompt says, for it travels through every relay unchanged:
 * `workload=N images=I bytes=B fewer=F piece=P rate=R gap_ms=G end_ms=E`; `fewer`, `rate`, `gap_ms` and `end_ms` where they
 * are wanted. Each image is `fewer` bytes shorter than the one before. */
struct order {
	size_t workload, piece;
	size_t rate;   /* bytes per second; 0: as fast as it goes */
	size_t gap_ms; /* between the beginnings of two events */
	size_t end_ms; /* the last event does not come before this */
	bool plain;    /* the request has no stream=true */
};

/* Every image that is sent begins like this file; `bytes` of it are one image. */
void form_images(const char *path);

/* False when an image differs. */
bool form_take(struct form *form, const char *at, size_t size);

/* False when the form is not whole: no order, or images too short or missing. */
bool form_end(const struct form *form, struct order *order);

#endif
