/* SPDX-License-Identifier: MIT */

/*
 * TLS settings of a session: from options and files to an SSL_CTX
 *
 * Happy path: authorities, certificate and key, pins, versions and ciphers are
 * read once and kept.
 * Failure modes: each option has one sentence that names it and says what is
 * wrong with its value; OpenSSL's own words come only behind that. It must
 * never ask a terminal for a passphrase, as OpenSSL does when nobody answers.
 */

#include "net/ws_tls_internal.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sentence for people; always WS_TLS_UNUSABLE. */
static int PRINTF(2, 3) ws_tls_say(char message[WS_TLS_MAX_MESSAGE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, WS_TLS_MAX_MESSAGE, format, args);
	va_end(args);
	ERR_clear_error();
	return WS_TLS_UNUSABLE;
}

/* OpenSSL's first complaint, for what has no sentence of ours; later ones are its echoes. */
static const char *ws_tls_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return reason ? reason : "no reason given";
}

/* Behind the byte order mark of UTF-8 or UTF-16, OpenSSL does not see the first of PEM. */
static bool ws_tls_has_mark(BIO *bio)
{
	char bytes[3] = {0};
	int n = BIO_read(bio, bytes, sizeof(bytes));

	(void)BIO_seek(bio, 0);
	return n >= 2 && (memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ||
			  memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
}

/* A file to be read, or NULL with the sentence. */
static BIO *ws_tls_open(const char *option, const char *path, char message[WS_TLS_MAX_MESSAGE])
{
	struct stat st;
	BIO *bio;

	/* Opening a directory succeeds, and a pipe would block. */
	if (stat(path, &st) < 0) {
		(void)ws_tls_say(message, "%s: %s (%s)", option, strerror(errno), path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)ws_tls_say(message, "%s: not a file (%s)", option, path);
		return NULL;
	}
	errno = 0;
	bio = BIO_new_file(path, "r");
	if (!bio)
		(void)ws_tls_say(message, "%s: %s (%s)", option,
				 errno ? strerror(errno) : "cannot be opened", path);
	if (!bio || !ws_tls_has_mark(bio))
		return bio;
	(void)ws_tls_say(
		message,
		"%s: it begins with a byte order mark, which hides what stands first; save "
		"it without one (%s)",
		option, path);
	BIO_free(bio);
	return NULL;
}

/* What a passphrase callback is asked with, and what became of it. */
struct ws_tls_passphrase {
	const char *text;
	bool asked;
};

static int ws_tls_on_passphrase(char *ret, int size, int for_writing, void *user)
{
	struct ws_tls_passphrase *passphrase = user;
	size_t n = passphrase->text ? strlen(passphrase->text) : 0;

	(void)for_writing;
	passphrase->asked = true;
	/* Nobody to ask; without a callback OpenSSL would ask the terminal. */
	if (!passphrase->text || n > (size_t)size)
		return -1;
	memcpy(ret, passphrase->text, n);
	return (int)n;
}

/* ---- who is trusted ---- */

static int ws_tls_load_ca_file(struct ws_tls *tls, const char *path,
			       char message[WS_TLS_MAX_MESSAGE])
{
	struct ws_tls_passphrase none = {0};
	X509_STORE *store = SSL_CTX_get_cert_store(tls->ctx);
	BIO *bio = ws_tls_open("tls_ca_file", path, message);
	unsigned long error;
	unsigned n = 0;
	X509 *cert;

	if (!bio)
		return WS_TLS_UNUSABLE;
	ERR_clear_error();
	while ((cert = PEM_read_bio_X509_AUX(bio, NULL, ws_tls_on_passphrase, &none))) {
		n += X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
	}
	error = ERR_peek_last_error();
	BIO_free(bio);
	/* "No start line" is how the end of the file is told. */
	if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
		return ws_tls_say(message, "tls_ca_file: certificate %u in it is damaged: %s (%s)",
				  n + 1, ws_tls_reason(), path);
	if (!n)
		return ws_tls_say(message,
				  "tls_ca_file: no certificate in it, PEM is expected (%s)", path);
	ERR_clear_error();
	return 0;
}

static int ws_tls_load_ca_dir(struct ws_tls *tls, const char *path,
			      char message[WS_TLS_MAX_MESSAGE])
{
	struct stat st;

	/* OpenSSL takes any name, and looks into it only when it has an issuer to find. */
	if (stat(path, &st) < 0)
		return ws_tls_say(message, "tls_ca_dir: %s (%s)", strerror(errno), path);
	if (!S_ISDIR(st.st_mode))
		return ws_tls_say(message, "tls_ca_dir: not a directory (%s)", path);
	if (access(path, R_OK | X_OK) < 0)
		return ws_tls_say(message, "tls_ca_dir: %s (%s)", strerror(errno), path);
	if (SSL_CTX_load_verify_dir(tls->ctx, path) != 1)
		return ws_tls_say(message, "tls_ca_dir: %s (%s)", ws_tls_reason(), path);
	return 0;
}

/* Whether a directory has certificates under the names that OpenSSL looks for: "01234567.0". */
static bool ws_tls_is_hashed(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = strspn(entry->d_name, "0123456789abcdef") == 8 &&
			strcmp(entry->d_name + 8, ".0") == 0;
	closedir(dir);
	return found;
}

/*
 * The system's authorities are there twice, as one file and as a directory.
 * Reading the file takes longer than all else at the daemon's start, for each
 * session; of a directory only what a router's chain asks for is read.
 */
static int ws_tls_load_system(struct ws_tls *tls, char message[WS_TLS_MAX_MESSAGE])
{
	bool by_dir = !getenv(X509_get_default_cert_file_env()) &&
		      !getenv(X509_get_default_cert_dir_env()) &&
		      ws_tls_is_hashed(X509_get_default_cert_dir());
	int r = by_dir ? SSL_CTX_set_default_verify_dir(tls->ctx)
		       : SSL_CTX_set_default_verify_paths(tls->ctx);

	return r == 1 ? 0 : ws_tls_say(message, "tls_system_ca: %s", ws_tls_reason());
}

static int ws_tls_load_trust(struct ws_tls *tls, const struct ws_tls_options *options,
			     char message[WS_TLS_MAX_MESSAGE])
{
	int r = 0;

	if (options->verify && !options->system_ca && !options->ca_file && !options->ca_dir)
		return ws_tls_say(message, "tls_system_ca is no, and there is neither tls_ca_file "
					   "nor tls_ca_dir: no router could be trusted");
	if (options->verify && options->system_ca)
		r = ws_tls_load_system(tls, message);
	if (r == 0 && options->ca_file)
		r = ws_tls_load_ca_file(tls, options->ca_file, message);
	if (r == 0 && options->ca_dir)
		r = ws_tls_load_ca_dir(tls, options->ca_dir, message);
	/* Who names a certificate trusts it, also when it is not a root. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->ctx), X509_V_FLAG_PARTIAL_CHAIN);
	return r;
}

/* ---- who we are ---- */

static int ws_tls_load_cert(struct ws_tls *tls, const char *path, char message[WS_TLS_MAX_MESSAGE])
{
	struct ws_tls_passphrase none = {0};
	BIO *bio = ws_tls_open("tls_cert", path, message);
	unsigned long error;
	int r;

	if (!bio)
		return WS_TLS_UNUSABLE;
	BIO_free(bio);
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(tls->ctx, ws_tls_on_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(tls->ctx, &none);
	r = SSL_CTX_use_certificate_chain_file(tls->ctx, path);
	SSL_CTX_set_default_passwd_cb_userdata(tls->ctx, NULL);
	SSL_CTX_set_default_passwd_cb(tls->ctx, NULL);
	if (r == 1)
		return 0;
	error = ERR_peek_error();
	if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
		return ws_tls_say(message, "tls_cert: no certificate in it, PEM is expected (%s)",
				  path);
	return ws_tls_say(message, "tls_cert: %s (%s)", ws_tls_reason(), path);
}

/* Why a key could not be read. */
static int ws_tls_refuse_key(const struct ws_tls_passphrase *passphrase, const char *path,
			     char message[WS_TLS_MAX_MESSAGE])
{
	if (passphrase->asked && !passphrase->text)
		return ws_tls_say(message,
				  "tls_key: it is encrypted, tls_key_passphrase is missing (%s)",
				  path);
	if (passphrase->asked)
		return ws_tls_say(message, "tls_key_passphrase: it does not open tls_key (%s)",
				  path);
	return ws_tls_say(message, "tls_key: no private key in it, PEM is expected (%s)", path);
}

static int ws_tls_load_key(struct ws_tls *tls, const char *path, const char *text,
			   char message[WS_TLS_MAX_MESSAGE])
{
	struct ws_tls_passphrase passphrase = {.text = text};
	BIO *bio = ws_tls_open("tls_key", path, message);
	EVP_PKEY *key;
	int r = 0;

	if (!bio)
		return WS_TLS_UNUSABLE;
	key = PEM_read_bio_PrivateKey(bio, NULL, ws_tls_on_passphrase, &passphrase);
	BIO_free(bio);
	if (!key)
		return ws_tls_refuse_key(&passphrase, path, message);
	if (X509_check_private_key(SSL_CTX_get0_certificate(tls->ctx), key) != 1)
		r = ws_tls_say(message, "tls_key: not the key of the certificate in tls_cert (%s)",
			       path);
	else if (SSL_CTX_use_PrivateKey(tls->ctx, key) != 1)
		r = ws_tls_say(message, "tls_key: %s (%s)", ws_tls_reason(), path);
	EVP_PKEY_free(key);
	return r;
}

static int ws_tls_load_identity(struct ws_tls *tls, const struct ws_tls_options *options,
				char message[WS_TLS_MAX_MESSAGE])
{
	int r;

	if (!options->cert && !options->key)
		return 0;
	if (!options->cert || !options->key)
		return ws_tls_say(message, "tls_cert and tls_key: one is of no use without the "
					   "other");
	r = ws_tls_load_cert(tls, options->cert, message);
	if (r)
		return r;
	return ws_tls_load_key(tls, options->key, options->key_passphrase, message);
}

/* ---- pins, versions, ciphers ---- */

static int ws_tls_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool ws_tls_parse_pin(unsigned char ret[WS_TLS_PIN_SIZE], const char *text)
{
	if (strlen(text) != (size_t)2 * WS_TLS_PIN_SIZE)
		return false;
	for (size_t i = 0; i < WS_TLS_PIN_SIZE; i++) {
		int high = ws_tls_hex(text[2 * i]), low = ws_tls_hex(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static int ws_tls_load_pins(struct ws_tls *tls, const struct ws_tls_options *options,
			    char message[WS_TLS_MAX_MESSAGE])
{
	if (!options->n_pins)
		return 0;
	tls->pins = mem_alloc(options->n_pins * sizeof(*tls->pins));
	if (!tls->pins)
		return -ENOMEM;
	tls->n_pins = options->n_pins;
	for (size_t i = 0; i < options->n_pins; i++) {
		if (!ws_tls_parse_pin(tls->pins[i], options->pins[i]))
			return ws_tls_say(message,
					  "tls_pin_sha256: \"%.80s\" is not 64 hexadecimal digits",
					  options->pins[i]);
	}
	return 0;
}

/*
 * Ciphers of TLS 1.2. Those without a certificate are taken out whatever the
 * list says: with them nobody would be asked who the peer is.
 */
static int ws_tls_set_ciphers(struct ws_tls *tls, const char *ciphers,
			      char message[WS_TLS_MAX_MESSAGE])
{
	static const char never[] = ":!aNULL:!eNULL:!PSK:!SRP";
	size_t n = strlen(ciphers);
	char *list = mem_alloc(n + sizeof(never));
	bool fits;

	if (!list)
		return -ENOMEM;
	memcpy(list, ciphers, n);
	memcpy(list + n, never, sizeof(never));
	fits = SSL_CTX_set_cipher_list(tls->ctx, list) == 1;
	mem_free(list);
	return fits ? 0
		    : ws_tls_say(message, "tls_ciphers: no known cipher in \"%.200s\"", ciphers);
}

/* Suites of TLS 1.3; OpenSSL may pass over names that it does not know, and take an empty list. */
static int ws_tls_set_suites(struct ws_tls *tls, const char *suites,
			     char message[WS_TLS_MAX_MESSAGE])
{
	bool fits = SSL_CTX_set_ciphersuites(tls->ctx, suites) == 1;
	const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(tls->ctx);

	for (int i = 0; fits && i < sk_SSL_CIPHER_num(all); i++)
		if (strcmp(SSL_CIPHER_get_version(sk_SSL_CIPHER_value(all, i)), "TLSv1.3") == 0)
			return 0;
	return ws_tls_say(message, "tls_ciphersuites: no known suite in \"%.200s\"", suites);
}

static int ws_tls_set_protocol(struct ws_tls *tls, const struct ws_tls_options *options,
			       char message[WS_TLS_MAX_MESSAGE])
{
	int version = options->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	int r = 0;

	if (SSL_CTX_set_min_proto_version(tls->ctx, version) != 1 ||
	    SSL_CTX_set_max_proto_version(tls->ctx, 0) != 1)
		return ws_tls_say(message, "tls_min_version: %s", ws_tls_reason());
	if (options->ciphers)
		r = ws_tls_set_ciphers(tls, options->ciphers, message);
	if (r == 0 && options->ciphersuites)
		r = ws_tls_set_suites(tls, options->ciphersuites, message);
	return r;
}

/* ---- life ---- */

static int ws_tls_configure(struct ws_tls *tls, const struct ws_tls_options *options,
			    char message[WS_TLS_MAX_MESSAGE])
{
	int r;

	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	/* What was half written is handed in again from a copy, at another place. */
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	r = ws_tls_load_trust(tls, options, message);
	if (r == 0)
		r = ws_tls_load_identity(tls, options, message);
	if (r == 0)
		r = ws_tls_load_pins(tls, options, message);
	if (r == 0)
		r = ws_tls_set_protocol(tls, options, message);
	return r;
}

void ws_tls_hold(struct ws_tls *tls)
{
	if (tls)
		tls->n_holders++;
}

void ws_tls_release(struct ws_tls *tls)
{
	if (!tls || --tls->n_holders)
		return;
	list_for_each_safe (i, &tls->vhosts)
		ws_context_drop_vhost(CONTAINER_OF(i, struct ws_vhost, of_tls));
	/* A connection that libwebsockets has not closed yet may still call back. */
	if (tls->ctx)
		SSL_CTX_set_app_data(tls->ctx, NULL);
	SSL_CTX_free(tls->ctx);
	mem_free(tls->server_name);
	mem_free(tls->pins);
	mem_free(tls);
}

struct ws_tls *ws_tls_free(struct ws_tls *tls)
{
	ws_tls_release(tls);
	return NULL;
}

DEFINE_CLEANUP(struct ws_tls *, ws_tls_free);

int ws_tls_new(struct ws_tls **ret, const struct ws_tls_options *options,
	       char ret_message[WS_TLS_MAX_MESSAGE])
{
	CLEANUP(ws_tls_freep) struct ws_tls *tls = mem_alloc(sizeof(*tls));
	int r;

	if (!tls)
		return -ENOMEM;
	list_init(&tls->users);
	list_init(&tls->vhosts);
	tls->n_holders = 1;
	tls->verify = options->verify;
	tls->verify_host = options->verify_host;
	tls->has_ca = options->ca_file || options->ca_dir;
	tls->has_cert = options->cert;
	tls->has_ciphers = options->ciphers || options->ciphersuites;
	tls->only_1_3 = options->only_1_3;
	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (!tls->ctx)
		return -ENOMEM;
	if (options->server_name) {
		tls->server_name = mem_strdup(options->server_name);
		if (!tls->server_name)
			return -ENOMEM;
	}
	r = ws_tls_configure(tls, options, ret_message);
	if (r)
		return r;
	ws_tls_watch(tls);
	*ret = TAKE(tls);
	return 0;
}

SSL_CTX *ws_tls_take_ssl_ctx(struct ws_tls *tls)
{
	SSL_CTX_up_ref(tls->ctx);
	return tls->ctx;
}

void ws_tls_give_ssl_ctx(SSL_CTX *ssl_ctx)
{
	SSL_CTX_free(ssl_ctx);
}

void ws_tls_add_vhost(struct ws_tls *tls, struct ws_vhost *v)
{
	list_append(&tls->vhosts, &v->of_tls);
}

void ws_tls_enter(struct ws *ws)
{
	list_init(&ws->tls_user);
	if (ws->options.tls)
		list_append(&ws->options.tls->users, &ws->tls_user);
}

void ws_tls_leave(struct ws *ws)
{
	list_unlink(&ws->tls_user);
}
