#include "wire.h"

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context;

void wire_secure(const char *certificate, const char *key)
{
	context = must(SSL_CTX_new(TLS_server_method()));
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1)
		die(certificate);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		die(key);
}

static void *tls_open(int fd)
{
	if (!context)
		return NULL;
	SSL *tls = must(SSL_new(context));
	SSL_set_fd(tls, fd);
	SSL_set_accept_state(tls);
	return tls;
}

static ssize_t tls_result(SSL *tls, int result)
{
	int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(tls, result);
	bool waiting = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
	errno = waiting ? EAGAIN : EPIPE;
	return result > 0 ? result : error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t tls_receive(void *tls, char *at, size_t size)
{
	ERR_clear_error(); /* another connection's */
	return tls_result(tls, SSL_read(tls, at, (int)size));
}

/* OpenSSL takes one record at a time. */
static ssize_t tls_send(void *tls, const char *at, size_t size)
{
	size_t sent = 0;
	while (sent < size) {
		ERR_clear_error();
		ssize_t put = tls_result(tls, SSL_write(tls, at + sent, (int)(size - sent)));
		if (put <= 0)
			return sent ? (ssize_t)sent : put;
		sent += (size_t)put;
	}
	return (ssize_t)sent;
}

static void tls_close(void *tls)
{
	SSL_free(tls);
}

#else

void wire_secure(const char *certificate, const char *key)
{
	(void)certificate, (void)key;
	errno = ENOTSUP;
	die("TLS");
}

static void *tls_open(int fd)
{
	(void)fd;
	return NULL;
}

static ssize_t tls_receive(void *tls, char *at, size_t size)
{
	(void)tls, (void)at, (void)size;
	return -1;
}

static ssize_t tls_send(void *tls, const char *at, size_t size)
{
	(void)tls, (void)at, (void)size;
	return -1;
}

static void tls_close(void *tls)
{
	(void)tls;
}

#endif

struct wire wire_open(int fd)
{
	return (struct wire){fd, tls_open(fd)};
}

void wire_close(struct wire *wire)
{
	if (wire->tls)
		tls_close(wire->tls);
	close(wire->fd);
}

ssize_t wire_receive(struct wire *wire, char *at, size_t size)
{
	return wire->tls ? tls_receive(wire->tls, at, size) : recv(wire->fd, at, size, 0);
}

ssize_t wire_send(struct wire *wire, const char *at, size_t size)
{
	return wire->tls ? tls_send(wire->tls, at, size) : send(wire->fd, at, size, MSG_NOSIGNAL);
}
