/*
 * A relay may cut, re-chunk and add comments, but each event's type and payload must arrive as they stand in the
 * stream. A plain answer is the relay's own JSON; the image in it must be the stream's.
 */
#define _GNU_SOURCE
#include "verify.h"
#include "stream.h"

static struct stream expected;
static bool plain;

size_t errors;
const char *complaint = "";

bool wrong(const char *what)
{
	if (!errors++)
		complaint = what;
	return false;
}

size_t expect(const char *path, bool as_plain)
{
	expected = read_stream(path);
	plain = as_plain;
	return plain ? 1 : expected.count;
}

bool check_head(const char *head)
{
	const char *type = plain ? "\r\ncontent-type: application/json" : "\r\ncontent-type: text/event-stream";
	if (strncmp(head, "HTTP/1.1 200", 12))
		return wrong("an answer other than 200");
	return strcasestr(head, type) || wrong("an answer of another type");
}

static bool end_of_event(struct check *c)
{
	c->has_payload = false;
	if (++c->events == 1)
		c->first = now_ms();
	return true;
}

static bool start_payload(struct check *c)
{
	c->in_payload = true;
	c->matched = c->line.size = 0;
	return true;
}

/* -- a stream: lines are checked at their end, payloads as they come -- */

static bool end_of_line(struct check *c)
{
	struct line *line = &c->line;
	const struct bytes *type = &expected.events[c->events].type;
	size_t size = line->size - (line->size && line->at[line->size - 1] == '\r');
	line->size = 0;
	if (!size)
		return !c->has_payload || end_of_event(c);
	bool comment = line->at[0] == ':';
	bool known = c->events < expected.count && size == type->size && !memcmp(line->at, type->at, size);
	return comment || known || wrong("a line that the upstream did not send");
}

static bool take_line_byte(struct check *c, char byte)
{
	struct line *line = &c->line;
	if (byte == '\n')
		return end_of_line(c);
	if (line->size == LINE)
		return wrong("a line too long");
	line->at[line->size++] = byte;
	if (line->size != 6 || memcmp(line->at, "data: ", 6))
		return true;
	if (c->events == expected.count || c->has_payload)
		return wrong("more data than the upstream sent");
	return start_payload(c);
}

/* -- a plain answer: text up to the image, the image, text after it -- */

static bool take_json_byte(struct check *c, char byte)
{
	static const char KEY[] = "\"b64_json\":\"";
	struct line *line = &c->line;
	size_t size = sizeof KEY - 1;
	if (byte == ' ' || byte == '\n')
		return true;
	if (line->size == LINE)
		return wrong("a plain answer with too much text");
	line->at[line->size++] = byte;
	if (line->size < size || memcmp(line->at + line->size - size, KEY, size))
		return true;
	if (c->events || line->at[0] != '{')
		return wrong("a plain answer of another shape");
	return start_payload(c);
}

/* -- both -- */

/* How many bytes were right: a run of the payload, or what may only follow its last byte. */
static size_t take_payload(struct check *c, const char *at, size_t size)
{
	const struct bytes *payload = plain ? &expected.events[expected.count - 1].image : &expected.events[c->events].payload;
	size_t left = payload->size - c->matched, part = size < left ? size : left;
	if (part && memcmp(at, payload->at + c->matched, part))
		return 0;
	c->matched += part;
	if (part)
		return part;
	c->in_payload = *at != (plain ? '"' : '\n');
	c->has_payload = !plain && !c->in_payload;
	if (plain && !c->in_payload)
		end_of_event(c);
	return !c->in_payload || (!plain && *at == '\r');
}

bool check_bytes(struct check *c, const char *at, size_t size)
{
	bool (*take_byte)(struct check *, char) = plain ? take_json_byte : take_line_byte;
	for (const char *end = at + size; at < end;) {
		if (!c->in_payload) {
			if (!take_byte(c, *at++))
				return false;
			continue;
		}
		size_t right = take_payload(c, at, (size_t)(end - at));
		if (!right)
			return wrong("a payload that differs from the upstream's");
		at += right;
	}
	return true;
}

bool check_end(const struct check *c)
{
	if (c->events != (plain ? 1 : expected.count))
		return wrong("fewer events than the upstream sent");
	bool closed = c->line.size && c->line.at[c->line.size - 1] == '}';
	return !plain || closed || wrong("a plain answer without an end");
}
