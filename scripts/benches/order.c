#define _GNU_SOURCE
#include "order.h"

static struct bytes pattern;

void form_images(const char *path)
{
	pattern = read_file(path);
}

/* The number behind `name` in the prompt, SIZE_MAX without it. */
static size_t number(const struct form *form, const char *name)
{
	const char *found = memmem(form->text, form->size, name, strlen(name));
	return found ? strtoul(found + strlen(name), NULL, 10) : SIZE_MAX;
}

static size_t number_or_none(const struct form *form, const char *name)
{
	size_t found = number(form, name);
	return found == SIZE_MAX ? 0 : found;
}

/* Where in the text the content of the next image begins, 0 while it is not to be seen. */
static size_t image_start(const struct form *form)
{
	const char *from = form->text + form->seen, *end = form->text + form->size;
	const char *name = memmem(from, (size_t)(end - from), "filename=", 9);
	const char *blank = name ? memmem(name, (size_t)(end - name), "\r\n\r\n", 4) : NULL;
	return blank ? (size_t)(blank + 4 - form->text) : 0;
}

/* Gives how much of the piece was text. */
static size_t take_text(struct form *form, const char *at, size_t size)
{
	size_t room = FORM_TEXT - 1 - form->size, part = size < room ? size : room, before = form->size;
	memcpy(form->text + form->size, at, part);
	form->size += part;
	size_t start = image_start(form);
	if (!start)
		return part;
	form->in_image = true;
	form->matched = 0;
	form->size = form->seen = start;
	return start - before;
}

static size_t take_image(struct form *form, const char *at, size_t size)
{
	size_t bytes = number(form, " bytes=") - form->images * number_or_none(form, " fewer=");
	if (bytes > pattern.size)
		return 0;
	size_t left = bytes - form->matched, part = size < left ? size : left;
	if (memcmp(at, pattern.at + form->matched, part))
		return 0;
	form->matched += part;
	form->in_image = form->matched < bytes;
	form->images += !form->in_image;
	return part;
}

bool form_take(struct form *form, const char *at, size_t size)
{
	for (size_t taken; size; at += taken, size -= taken) {
		taken = form->in_image ? take_image(form, at, size) : take_text(form, at, size);
		if (!taken)
			return false;
	}
	return true;
}

/* An image ends where the next boundary begins, or it was longer than it should be. */
static bool ends_well(const struct form *form)
{
	return form->size >= form->seen + 4 && !memcmp(form->text + form->seen, "\r\n--", 4);
}

static bool asks_for_stream(const struct form *form)
{
	static const char NAME[] = "name=\"stream\"";
	const char *end = form->text + form->size, *name = memmem(form->text, form->size, NAME, sizeof NAME - 1);
	const char *blank = name ? memmem(name, (size_t)(end - name), "\r\n\r\n", 4) : NULL;
	return blank && end - blank >= 8 && !strncasecmp(blank + 4, "true", 4);
}

bool form_end(const struct form *form, struct order *order)
{
	*order = (struct order){
		.workload = number(form, "workload="),
		.piece = number(form, " piece="),
		.rate = number_or_none(form, " rate="),
		.gap_ms = number_or_none(form, " gap_ms="),
		.end_ms = number_or_none(form, " end_ms="),
		.plain = !asks_for_stream(form),
	};
	return !form->in_image && ends_well(form) && form->images == number(form, " images=");
}
