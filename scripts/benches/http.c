#define _GNU_SOURCE
#include "http.h"

static bool broken(struct http *http, const char *why)
{
	http->broken = why;
	return false;
}

static bool end_of_head(struct http *http, const struct http_reader *reader, void *owner)
{
	static const char NAME[] = "\r\ncontent-length:";
	const char *length = strcasestr(http->line.at, NAME);
	http->left = length ? strtoul(length + sizeof NAME - 1, NULL, 10) : 0;
	http->stage = http->left ? HTTP_BODY : HTTP_END;
	if (!length && strcasestr(http->line.at, "\r\ntransfer-encoding: chunked"))
		http->stage = HTTP_CHUNK_SIZE;
	return reader->head(owner, http->line.at);
}

static bool end_of_line(struct http *http)
{
	bool blank = strspn(http->line.at, "\r\n") == http->line.size;
	if (http->stage == HTTP_TRAILER) {
		http->stage = blank ? HTTP_END : HTTP_TRAILER;
		return true;
	}
	if (http->stage == HTTP_CHUNK_END) {
		http->stage = HTTP_CHUNK_SIZE;
		return blank || broken(http, "a chunk longer than it said");
	}
	http->left = strtoul(http->line.at, NULL, 16);
	http->stage = http->left ? HTTP_CHUNK : HTTP_TRAILER;
	return !blank || broken(http, "a chunk without a size");
}

static bool take_byte(struct http *http, const struct http_reader *reader, void *owner, char byte)
{
	struct line *line = &http->line;
	if (line->size == LINE - 1)
		return broken(http, "a head too long");
	line->at[line->size++] = byte;
	line->at[line->size] = 0;
	const char *mark = http->stage == HTTP_HEAD ? "\r\n\r\n" : "\n";
	size_t size = strlen(mark);
	if (line->size < size || memcmp(line->at + line->size - size, mark, size))
		return true;
	bool fine = http->stage == HTTP_HEAD ? end_of_head(http, reader, owner) : end_of_line(http);
	line->size = 0;
	return fine;
}

bool http_take(struct http *http, const struct http_reader *reader, void *owner, const char *at, size_t size)
{
	for (const char *end = at + size; at < end;) {
		if (http->stage == HTTP_END)
			return broken(http, "more than the message");
		if (http->stage != HTTP_BODY && http->stage != HTTP_CHUNK) {
			if (!take_byte(http, reader, owner, *at++))
				return false;
			continue;
		}
		size_t left = (size_t)(end - at), part = left < http->left ? left : http->left;
		if (!reader->body(owner, at, part))
			return false;
		at += part;
		http->left -= part;
		if (!http->left)
			http->stage = http->stage == HTTP_BODY ? HTTP_END : HTTP_CHUNK_END;
	}
	return true;
}
