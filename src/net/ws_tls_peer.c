/* SPDX-License-Identifier: MIT */

/*
 * TLS: who the peer is, and why a handshake failed
 *
 * libwebsockets puts the Host header's text up to its first colon into SNI and
 * into the check of the name, and tells failures by a number. So the name is
 * set here, when a handshake starts; the certificate is judged here; and what
 * went wrong is put into words while OpenSSL still knows it.
 *
 * Everything that a certificate says is a stranger's text.
 */

#include "net/ws_tls_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

/* Names of a certificate that are told. */
#define WS_TLS_PEER_MAX_NAMES 4

/* Longest name of an authority that is told, with its end. */
#define WS_TLS_PEER_MAX_ISSUER 80

/* Longest name of a host, with its end. */
#define WS_TLS_PEER_MAX_NAME 256

/* The attempt that a connection of OpenSSL's belongs to, or NULL if it has been given up. */
static struct ws *ws_tls_peer_find(struct ws_tls *tls, const SSL *ssl)
{
	for (struct list *l = tls->users.next; l != &tls->users; l = l->next) {
		struct ws *ws = CONTAINER_OF(l, struct ws, tls_user);
		struct lws *wsi = ws->wsi ? ws->wsi : ws->early;

		if (wsi && lws_get_ssl(wsi) == ssl)
			return ws;
	}
	return NULL;
}

/* What is expected to be on the certificate. */
static const char *ws_tls_peer_name(const struct ws *ws)
{
	const char *name = ws->options.tls->server_name;

	return name ? name : ws->options.host;
}

/* ---- words ---- */

/* The first thing that is said stays: it is the cause of the others. */
static void PRINTF(2, 3) ws_tls_peer_say(struct ws *ws, const char *format, ...)
{
	va_list args;

	if (*ws->cause_text)
		return;
	ws->cause = WS_TLS;
	va_start(args, format);
	vsnprintf(ws->cause_text, sizeof(ws->cause_text), format, args);
	va_end(args);
}

/* Adds what fits. */
static void PRINTF(3, 4) ws_tls_peer_add(char *text, size_t size, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
}

static void ws_tls_peer_add_dns(char *text, size_t size, const ASN1_STRING *name)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(name);
	int n = ASN1_STRING_length(name);

	ws_tls_peer_add(text, size, "DNS:");
	for (int i = 0; i < n && i < 64; i++)
		ws_tls_peer_add(text, size, "%c",
				bytes[i] > ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?');
}

static void ws_tls_peer_add_ip(char *text, size_t size, const ASN1_STRING *address)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(address);
	int n = ASN1_STRING_length(address);
	char ip[INET6_ADDRSTRLEN] = "?";

	if (n == 4 || n == 16)
		inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, ip, sizeof(ip));
	ws_tls_peer_add(text, size, "IP:%s", ip);
}

/* Whom a certificate is for: "DNS:a, IP:b". */
static void ws_tls_peer_names(X509 *cert, char *ret, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	unsigned n = 0;

	*ret = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		if (n++ == WS_TLS_PEER_MAX_NAMES) {
			ws_tls_peer_add(ret, size, ", …");
			break;
		}
		ws_tls_peer_add(ret, size, "%s", n > 1 ? ", " : "");
		if (name->type == GEN_DNS)
			ws_tls_peer_add_dns(ret, size, name->d.dNSName);
		else
			ws_tls_peer_add_ip(ret, size, name->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
	if (!n)
		ws_tls_peer_add(ret, size, "nobody (it has no subjectAltName)");
}

static void ws_tls_peer_date(const ASN1_TIME *time, char ret[16])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 || !strftime(ret, 16, "%Y-%m-%d", &tm))
		snprintf(ret, 16, "?");
}

/* ---- the certificate ---- */

static void ws_tls_peer_refuse_date(struct ws *ws, X509 *cert, bool is_own, bool is_over)
{
	char date[16] = "?";

	if (cert)
		ws_tls_peer_date(is_over ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert),
				 date);
	ws_tls_peer_say(ws, "%s of %s %s %s%s", is_own ? "certificate" : "a certificate above that",
			ws_tls_peer_name(ws), is_over ? "has expired on" : "is not valid before",
			date, is_over ? "" : " (is this machine's clock right?)");
}

static void ws_tls_peer_refuse_name(struct ws *ws, X509 *cert)
{
	char names[200] = "somebody else";

	if (cert)
		ws_tls_peer_names(cert, names, sizeof(names));
	ws_tls_peer_say(
		ws, "certificate is not for \"%s\" but for %s (%s)", ws_tls_peer_name(ws), names,
		ws->options.tls->server_name ? "tls_server_name asks for another name"
					     : "set tls_server_name, or connect by that name");
}

/* The common name of an issuer, or all of its name. */
static void ws_tls_peer_issuer(X509 *cert, char ret[WS_TLS_PEER_MAX_ISSUER])
{
	X509_NAME *name = cert ? X509_get_issuer_name(cert) : NULL;

	if (!name ||
	    (X509_NAME_get_text_by_NID(name, NID_commonName, ret, WS_TLS_PEER_MAX_ISSUER) < 0 &&
	     !X509_NAME_oneline(name, ret, WS_TLS_PEER_MAX_ISSUER)))
		snprintf(ret, WS_TLS_PEER_MAX_ISSUER, "?");
	for (char *c = ret; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/*
 * Nobody knows the issuer of the last certificate. Whether that is an authority that should be
 * known, or one between that the router should have sent, cannot be seen for sure. A router that
 * sends nothing but its own certificate probably forgot the others, if the authorities to be
 * trusted were chosen for it, or the certificate says where its issuer's is to be had.
 */
static void ws_tls_peer_refuse_issuer(struct ws *ws, X509_STORE_CTX *store, X509 *cert)
{
	bool is_alone = sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) <= 1;
	bool has_where = cert && X509_get_ext_by_NID(cert, NID_info_access, -1) >= 0;
	bool has_ca = ws->options.tls->has_ca;
	char issuer[WS_TLS_PEER_MAX_ISSUER];

	ws_tls_peer_issuer(cert, issuer);
	if (is_alone && (has_ca || has_where))
		ws_tls_peer_say(
			ws,
			"certificate of %s is not trusted: incomplete chain: the router does "
			"not send the certificate of its issuer \"%s\"%s (let the router send "
			"it, if it is an intermediate one; %s, if it is the authority)",
			ws_tls_peer_name(ws), issuer, has_ca ? ", nor is it in tls_ca_file" : "",
			has_ca ? "add it to tls_ca_file" : "set tls_ca_file to it");
	else
		ws_tls_peer_say(ws,
				"certificate of %s is not trusted: the authority \"%s\" is not "
				"known here (%s)",
				ws_tls_peer_name(ws), issuer,
				has_ca ? "tls_ca_file and tls_ca_dir do not have it"
				       : "set tls_ca_file to the router's CA");
}

/* Puts the verdict about the chain into words. */
static void ws_tls_peer_refuse(struct ws *ws, X509_STORE_CTX *store)
{
	int error = X509_STORE_CTX_get_error(store);
	bool is_own = X509_STORE_CTX_get_error_depth(store) == 0;
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	const char *text = X509_verify_cert_error_string(error);

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		ws_tls_peer_refuse_date(ws, cert, is_own, error == X509_V_ERR_CERT_HAS_EXPIRED);
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		ws_tls_peer_refuse_name(ws, X509_STORE_CTX_get0_cert(store));
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		ws_tls_peer_say(ws,
				"certificate of %s is not trusted: it is self-signed (%s it, if it "
				"is the right one)",
				ws_tls_peer_name(ws),
				ws->options.tls->has_ca ? "tls_ca_file does not have it: add"
							: "set tls_ca_file to");
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		ws_tls_peer_refuse_issuer(ws, store, cert);
		return;
	}
	ws_tls_peer_say(ws, "certificate of %s is not trusted: %s", ws_tls_peer_name(ws), text);
}

static bool ws_tls_peer_hash_key(X509 *cert, unsigned char ret[WS_TLS_PIN_SIZE])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool done = n > 0 && EVP_Digest(der, (size_t)n, ret, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return done;
}

/* Whether one of the pins is the hash of the certificate's public key. */
static bool ws_tls_peer_is_pinned(struct ws *ws, X509 *cert)
{
	const struct ws_tls *tls = ws->options.tls;
	unsigned char hash[WS_TLS_PIN_SIZE];
	char hex[2 * WS_TLS_PIN_SIZE + 1] = "unknown";

	if (cert && ws_tls_peer_hash_key(cert, hash)) {
		for (size_t i = 0; i < tls->n_pins; i++)
			if (memcmp(tls->pins[i], hash, sizeof(hash)) == 0)
				return true;
		for (size_t i = 0; i < sizeof(hash); i++)
			snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	}
	ws_tls_peer_say(ws, "public key of %s is not one of tls_pin_sha256: its own is %s",
			ws_tls_peer_name(ws), hex);
	return false;
}

/* Goes on, so that the first error is what is left; libwebsockets' own would only log it. */
static int ws_tls_peer_on_cert(int ok, X509_STORE_CTX *store)
{
	(void)store;
	return ok;
}

/* OpenSSL's question: is that the right peer? 1 or 0. */
static int ws_tls_peer_on_verify(X509_STORE_CTX *store, void *arg)
{
	struct ws_tls *tls = arg;
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct ws *ws = ws_tls_peer_find(tls, ssl);

	/* Nobody waits for this connection any more, or nobody has told whose it should be. */
	if (!ws || !ws->tls_expects) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	X509_STORE_CTX_set_verify_cb(store, ws_tls_peer_on_cert);
	if (tls->verify && X509_verify_cert(store) != 1) {
		ws_tls_peer_refuse(ws, store);
		return 0;
	}
	if (tls->n_pins && !ws_tls_peer_is_pinned(ws, X509_STORE_CTX_get0_cert(store))) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* ---- the handshake ---- */

/* Whether the name is an address; those are checked as such, and not sent (RFC 6066 §3). */
static bool ws_tls_peer_is_ip(const char *name, struct in6_addr *ret, size_t *ret_len)
{
	if (inet_pton(AF_INET, name, ret) == 1)
		*ret_len = sizeof(struct in_addr);
	else if (inet_pton(AF_INET6, name, ret) == 1)
		*ret_len = sizeof(struct in6_addr);
	else
		return false;
	return true;
}

/* The name without the dot that an absolute one ends with: certificates have none. */
static void ws_tls_peer_plain_name(const struct ws *ws, char ret[WS_TLS_PEER_MAX_NAME])
{
	size_t n;

	snprintf(ret, WS_TLS_PEER_MAX_NAME, "%s", ws_tls_peer_name(ws));
	n = strlen(ret);
	if (n && ret[n - 1] == '.')
		ret[n - 1] = '\0';
}

static bool ws_tls_peer_expect(const struct ws *ws, SSL *ssl)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char name[WS_TLS_PEER_MAX_NAME];
	struct in6_addr ip;
	size_t ip_len = 0;
	bool is_ip;

	ws_tls_peer_plain_name(ws, name);
	is_ip = ws_tls_peer_is_ip(name, &ip, &ip_len);
	if (SSL_set_tlsext_host_name(ssl, is_ip ? NULL : name) != 1)
		return false;
	/* libwebsockets insists on some ALPN; Crossbar ends a handshake that has any. */
	if (SSL_set_alpn_protos(ssl, NULL, 0) != 0)
		return false;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(param, NULL, 0) != 1 ||
	    X509_VERIFY_PARAM_set1_ip(param, NULL, 0) != 1)
		return false;
	if (!ws->options.tls->verify_host)
		return true;
	if (is_ip)
		return X509_VERIFY_PARAM_set1_ip(param, (const unsigned char *)&ip, ip_len) == 1;
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

static void ws_tls_peer_on_start(struct ws *ws, SSL *ssl)
{
	if (ws->rank < WS_RANK_TLS)
		ws->rank = WS_RANK_TLS;
	ws->tls_expects = ws_tls_peer_expect(ws, ssl);
	if (!ws->tls_expects)
		ws_tls_peer_say(ws, "TLS cannot ask for the name \"%.100s\"", ws_tls_peer_name(ws));
}

static void ws_tls_peer_say_no_version(struct ws *ws)
{
	ws_tls_peer_say(ws, "TLS handshake failed: no common version (%s)",
			ws->options.tls->only_1_3
				? "see tls_min_version"
				: "the router speaks none from TLS 1.2 on, which is the least");
}

/* The alert that stands for nearly everything. */
static void ws_tls_peer_say_refused(struct ws *ws)
{
	const struct ws_tls *tls = ws->options.tls;

	ws_tls_peer_say(ws,
			"TLS handshake failed: refused by the router: no common cipher%s, or it "
			"%s",
			tls->has_ciphers ? " (see tls_ciphers, tls_ciphersuites)" : "",
			tls->has_cert ? "does not like the client certificate in tls_cert"
				      : "wants a client certificate (set tls_cert and tls_key)");
}

/* The router is not content with the client certificate, or with none. */
static void ws_tls_peer_say_cert_refused(struct ws *ws, const char *text)
{
	if (ws->options.tls->has_cert)
		ws_tls_peer_say(ws, "the router refused the client certificate: %s (see tls_cert)",
				text);
	else
		ws_tls_peer_say(ws,
				"the router wants a client certificate (set tls_cert and tls_key): "
				"%s",
				text);
}

/* The peer gave up. */
static void ws_tls_peer_on_alert(struct ws *ws, int alert)
{
	const char *text = SSL_alert_desc_string_long(alert);

	switch (alert) {
	case SSL_AD_HANDSHAKE_FAILURE:
		ws_tls_peer_say_refused(ws);
		return;
	case SSL_AD_PROTOCOL_VERSION:
		ws_tls_peer_say_no_version(ws);
		return;
	case SSL_AD_UNRECOGNIZED_NAME:
		ws_tls_peer_say(ws, "TLS handshake failed: the router knows no \"%.100s\" (%s)",
				ws_tls_peer_name(ws),
				ws->options.tls->server_name ? "which is tls_server_name"
							     : "set tls_server_name to its name");
		return;
	case SSL_AD_CERTIFICATE_REQUIRED:
	case SSL_AD_NO_CERTIFICATE:
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
		ws_tls_peer_say_cert_refused(ws, text);
		return;
	}
	ws_tls_peer_say(ws, "ended by the router with the TLS alert \"%s\"", text);
}

/* This side gave up. */
static void ws_tls_peer_on_error(struct ws *ws, unsigned long error)
{
	const char *text = ERR_reason_error_string(error);

	if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
		ws_tls_peer_say(ws, "TLS handshake failed: %s", text ? text : "no reason given");
		return;
	}
	switch (ERR_GET_REASON(error)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		ws_tls_peer_say(ws, "no TLS at %s port %u: is the url ws:// ?", ws->address,
				ws->options.port);
		return;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		ws_tls_peer_say(ws,
				"no TLS at %s port %u: closed during the handshake (is the url "
				"ws:// ?)",
				ws->address, ws->options.port);
		return;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		ws_tls_peer_say_no_version(ws);
		return;
	}
	ws_tls_peer_say(ws, "TLS handshake failed: %s", text ? text : "no reason given");
}

static void ws_tls_peer_on_info(const SSL *ssl, int where, int value)
{
	struct ws_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ws *ws = tls ? ws_tls_peer_find(tls, ssl) : NULL;

	if (!ws)
		return;
	if (where & SSL_CB_HANDSHAKE_START)
		/* Const only because most who listen do. */
		ws_tls_peer_on_start(ws, (SSL *)ssl);
	else if (where & SSL_CB_ALERT && where & SSL_CB_READ && value >> 8 == SSL3_AL_FATAL)
		ws_tls_peer_on_alert(ws, value & 0xff);
	else if (where & SSL_CB_EXIT && value <= 0 && ERR_peek_error())
		ws_tls_peer_on_error(ws, ERR_peek_error());
}

void ws_tls_listen(struct ws *ws, struct lws *wsi)
{
	SSL *ssl = ws->options.tls ? lws_get_ssl(wsi) : NULL;
	char c;

	if (!ssl || *ws->cause_text || ws->rank == WS_RANK_UNREACHED)
		return;
	(void)SSL_peek(ssl, &c, 1);
	ERR_clear_error();
}

void ws_tls_watch(struct ws_tls *tls)
{
	SSL_CTX_set_app_data(tls->ctx, tls);
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls->ctx, ws_tls_peer_on_verify, tls);
	SSL_CTX_set_info_callback(tls->ctx, ws_tls_peer_on_info);
}
