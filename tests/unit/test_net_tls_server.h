/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Certificates made on the spot, and a TLS front for the scripted servers
 *
 * The front speaks TLS with the client and hands plain bytes to the script
 * through a socket pair, so that every script of the plain tests works behind
 * it. Include test_net_client.h and test_net_server.h first.
 */

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

/* ---- certificates ---- */

struct pair {
	X509 *cert;
	EVP_PKEY *key;
};

struct wanted {
	const char *name;	   /* common name */
	const char *alt;	   /* subjectAltName, "DNS:a,IP:b"; NULL: none */
	const struct pair *issuer; /* NULL: self-signed */
	long from, to;		   /* seconds from now */
	bool is_ca;
};

#define A_DAY 86400L

static inline void pair_extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static inline struct pair pair_new(struct wanted wanted)
{
	static long serial = 1;
	struct pair pair = {X509_new(), EVP_EC_gen("P-256")};
	X509_NAME *name = X509_get_subject_name(pair.cert);

	X509_set_version(pair.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(pair.cert), serial++);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)wanted.name,
				   -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(pair.cert), wanted.from);
	X509_gmtime_adj(X509_getm_notAfter(pair.cert), wanted.to);
	X509_set_pubkey(pair.cert, pair.key);
	X509_set_issuer_name(pair.cert,
			     wanted.issuer ? X509_get_subject_name(wanted.issuer->cert) : name);
	pair_extend(pair.cert, NID_basic_constraints,
		    wanted.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (wanted.alt)
		pair_extend(pair.cert, NID_subject_alt_name, wanted.alt);
	assert_true(X509_sign(pair.cert, wanted.issuer ? wanted.issuer->key : pair.key,
			      EVP_sha256()) > 0);
	return pair;
}

static inline void pair_free(struct pair *pair)
{
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
}

/* The SHA-256 of its public key, in hexadecimal digits. */
static inline void pair_pin(const struct pair *pair, char ret[65])
{
	unsigned char *der = NULL, hash[32];
	int n = i2d_PUBKEY(pair->key, &der);

	assert_int_equal(EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL), 1);
	OPENSSL_free(der);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

/* ---- files ---- */

/* A directory that goes with all that is in it. */
struct files {
	char dir[64];
	char *paths[16];
	size_t n;
};

static inline void files_init(struct files *files)
{
	*files = (struct files){.dir = "/tmp/test_net_tls.XXXXXX"};
	assert_non_null(mkdtemp(files->dir));
}

static inline FILE *files_create(struct files *files, const char *name)
{
	char *path;
	FILE *f;

	assert_true(files->n < ARRAY_SIZE(files->paths));
	assert_true(asprintf(&path, "%s/%s", files->dir, name) > 0);
	files->paths[files->n++] = path;
	f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

/* Closes it; the path of the file that was created last. */
static inline const char *files_close(struct files *files, FILE *f)
{
	assert_int_equal(fclose(f), 0);
	return files->paths[files->n - 1];
}

static inline const char *files_text(struct files *files, const char *name, const char *text)
{
	FILE *f = files_create(files, name);

	fputs(text, f);
	return files_close(files, f);
}

static inline const char *files_cert(struct files *files, const char *name, const struct pair *pair)
{
	FILE *f = files_create(files, name);

	PEM_write_X509(f, pair->cert);
	return files_close(files, f);
}

static inline const char *files_key(struct files *files, const char *name, const struct pair *pair,
				    const char *passphrase)
{
	FILE *f = files_create(files, name);

	PEM_write_PrivateKey(f, pair->key, passphrase ? EVP_aes_128_cbc() : NULL,
			     (const unsigned char *)passphrase,
			     passphrase ? (int)strlen(passphrase) : 0, NULL, NULL);
	return files_close(files, f);
}

static inline void files_done(struct files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		unlink(files->paths[i]);
		free(files->paths[i]);
	}
	rmdir(files->dir);
}

/* ---- the front ---- */

struct front {
	struct server server;
	SSL_CTX *ctx;
	void (*script)(struct server *server, int fd); /* gets the plain bytes */
	int script_fd;
	char sni[256]; /* what the client asked for */
	bool accepted, had_cert;
};

static inline int front_on_sni(SSL *ssl, int *alert, void *arg)
{
	struct front *front = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (name)
		snprintf(front->sni, sizeof(front->sni), "%s", name);
	return SSL_TLSEXT_ERR_OK;
}

static inline void *front_run_script(void *arg)
{
	struct front *front = arg;

	front->script(&front->server, front->script_fd);
	shutdown(front->script_fd, SHUT_RDWR);
	return NULL;
}

/* Bytes on their way in one direction. */
struct front_way {
	char bytes[65536];
	size_t from, to;
};

/* Both return false at the end. */
static inline bool front_read(SSL *ssl, int fd, struct front_way *in, struct front_way *out)
{
	ssize_t n;
	int r;

	if (in->from == in->to) {
		r = SSL_read(ssl, in->bytes, sizeof(in->bytes));
		if (r <= 0 && SSL_get_error(ssl, r) != SSL_ERROR_WANT_READ)
			return false;
		in->from = 0;
		in->to = r > 0 ? (size_t)r : 0;
	}
	if (out->from == out->to) {
		n = recv(fd, out->bytes, sizeof(out->bytes), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		out->from = 0;
		out->to = n > 0 ? (size_t)n : 0;
	}
	return true;
}

static inline bool front_write(SSL *ssl, int fd, struct front_way *in, struct front_way *out)
{
	ssize_t n;
	int r;

	if (out->from < out->to) {
		r = SSL_write(ssl, out->bytes + out->from, (int)(out->to - out->from));
		if (r <= 0 && SSL_get_error(ssl, r) != SSL_ERROR_WANT_WRITE)
			return false;
		out->from += r > 0 ? (size_t)r : 0;
	}
	if (in->from < in->to) {
		n = send(fd, in->bytes + in->from, in->to - in->from, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return false;
		in->from += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static inline void front_relay(SSL *ssl, int tls_fd, int fd)
{
	struct front_way *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));

	fcntl(tls_fd, F_SETFL, O_NONBLOCK);
	while (front_read(ssl, fd, in, out) && front_write(ssl, fd, in, out)) {
		struct pollfd fds[2] = {{.fd = tls_fd}, {.fd = fd}};

		/* A direction that has bytes waits for its writer, an empty one for its reader. */
		fds[in->from < in->to].events |= in->from < in->to ? POLLOUT : POLLIN;
		fds[out->from == out->to].events |= out->from < out->to ? POLLOUT : POLLIN;
		if (SSL_pending(ssl) && in->from == in->to)
			continue;
		poll(fds, 2, -1);
	}
	if (out->from == out->to)
		SSL_shutdown(ssl);
	free(in);
	free(out);
}

static inline void front_serve(struct front *front, SSL *ssl, int fd)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	pthread_t thread;
	int fds[2];

	front->accepted = true;
	front->had_cert = cert != NULL;
	X509_free(cert);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	front->script_fd = fds[1];
	if (pthread_create(&thread, NULL, front_run_script, front))
		abort();
	front_relay(ssl, fd, fds[0]);
	close(fds[0]);
	pthread_join(thread, NULL);
	close(fds[1]);
}

static inline void front_script(struct server *server, int fd)
{
	struct front *front = CONTAINER_OF(server, struct front, server);
	SSL *ssl = SSL_new(front->ctx);

	signal(SIGPIPE, SIG_IGN);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		front_serve(front, ssl, fd);
	SSL_free(ssl);
	ERR_clear_error();
}

/* May be changed until front_listen(). */
static inline void front_init(struct front *front, const struct pair *pair,
			      void (*script)(struct server *server, int fd))
{
	*front = (struct front){.script = script, .ctx = SSL_CTX_new(TLS_server_method())};
	SSL_CTX_use_certificate(front->ctx, pair->cert);
	SSL_CTX_use_PrivateKey(front->ctx, pair->key);
	SSL_CTX_set_tlsext_servername_callback(front->ctx, front_on_sni);
	SSL_CTX_set_tlsext_servername_arg(front->ctx, front);
}

static inline void front_listen(struct front *front, const char *address)
{
	server_start(&front->server, address, front_script);
}

static inline void front_done(struct front *front)
{
	server_done(&front->server);
	SSL_CTX_free(front->ctx);
}
