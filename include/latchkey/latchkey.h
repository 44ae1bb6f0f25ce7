/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latchkey.h - OAuth 2.0 for programs that act for people: connect once, then
 * ask for a token whenever one is needed, and never think of tokens again.
 *
 *	struct lk *lk;
 *	struct lk_connection *acme;
 *	struct lk_token *token;
 *	struct lk_error error;
 *
 *	if (lk_open(NULL, &lk, &error) == LK_OK &&
 *	    lk_connection_open(lk, "acme", &acme, &error) == LK_OK &&
 *	    lk_token(acme, &token, &error) == LK_OK) {
 *		use(lk_token_text(token));
 *		lk_token_free(token);
 *	}
 *
 * Promises:
 * - One refresh at a time for a connection, whoever asks: threads, processes, and
 *   with a PostgreSQL vault machines. The others wait for it and get its result.
 * - A new pair of tokens is on the disk before it is used. A crash at any point
 *   leaves the old pair or the new one, and the library knows which. On a server
 *   that takes a retry key (Latchkey does) even a lost answer costs nothing.
 * - Tokens and client secrets are encrypted at rest and never stand in a log, an
 *   error, an argument list, the environment or a URL.
 * - https only, certificates always verified, no redirect followed; nothing switches
 *   that off. PKCE S256, state and iss (RFC 7636, RFC 6749, RFC 9207) always.
 * - Every wait is bounded; the bounds are in struct lk_options.
 * - Nothing is printed, nothing aborts on bad input, out of memory is LK_MEMORY and
 *   is said before anything was begun.
 *
 * Every function may be called from any thread, on the same object too, save for
 * the one that frees it. Strings are UTF-8 and NUL-terminated; what the caller gives
 * is copied. Outputs are set only when LK_OK is returned. `error` may be NULL.
 * A struct that begins with `size` is set to zero and its size filled in by LK_INIT,
 * or by { .size = sizeof(s), ... }; members that stay zero have their default.
 * lk_token and lk_info are functions as well: C++ says `struct lk_token *` for the type.
 * A child of fork() may use the library after exec, or after opening its own lk. What
 * it has of its parent's it leaves alone: lk_close and lk_connection_close do nothing.
 */
#ifndef LATCHKEY_LATCHKEY_H
#define LATCHKEY_LATCHKEY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
template <class T>
inline T
lk_init()
{
	T zero = T();
	zero.size = sizeof(T);
	return zero;
}
extern "C" {
#endif

#if defined(__GNUC__)
#define LK_API __attribute__((visibility("default")))
#define LK_MUST_CHECK __attribute__((warn_unused_result))
#else
#define LK_API
#define LK_MUST_CHECK
#endif

/* struct lk_options o = LK_INIT(struct lk_options); */
#ifdef __cplusplus
#define LK_INIT(type) lk_init<type>()
#else
#define LK_INIT(type) { .size = sizeof(type) }
#endif

struct lk;            /* the library, with a vault open */
struct lk_connection; /* one authorisation, by the name the host gave it */
struct lk_token;      /* an access token; never changes */
struct lk_response;   /* what an API answered */

/* ---- how a call ends --------------------------------------------------------- */

enum lk_status {
	LK_OK,
	LK_RECONNECT,     /* final: the person must connect again (invalid_grant, or
	                     they disconnected); the tokens are gone from the vault,
	                     the registration is kept for that */
	LK_TRY_LATER,     /* the server, the network or the lock: the tokens are safe;
	                     error.retry_after says when to try again. Connecting: the
	                     person took too long */
	LK_DENIED,        /* connecting: the person said no (access_denied) */
	LK_CONFIGURATION, /* what was asked or registered cannot work, or where the vault
	                     or its key is said to be; error says what to change.
	                     Tokens are kept */
	LK_LOCKED,        /* the vault's key is locked: unlock the keyring, or start the
	                     agent and give it the passphrase */
	LK_STORAGE,       /* the vault cannot be read or written: disk full,
	                     permissions, damaged, no lock on that file system */
	LK_NOT_FOUND,     /* there is no connection of that name, or (LK_EXISTING) no vault */
	LK_REJECTED,      /* an answer that must not be believed: wrong state or iss,
	                     another server's token, malformed; nothing was done
	                     (RULEBOOK CL-11) */
	LK_MEMORY,        /* out of memory; nothing was begun */
	LK_BUG,           /* the caller's or ours: an argument that no correct program
	                     gives */
};

/* The name as a word ("reconnect", "try_later"), for logs; never NULL. */
LK_API const char *lk_status_name(enum lk_status status);

struct lk_error {
	enum lk_status status;
	int64_t retry_after; /* seconds from now, with LK_TRY_LATER; else 0 */
	char code[64];       /* the server's error code (RFC 6749 5.2), or "" */
	char message[512];   /* a sentence a person can act on; never a secret */
};

/* ---- the library ------------------------------------------------------------- */

/* What happened, for the host's own log. The library itself logs nothing. */
struct lk_event {
	const char *connection; /* its name, or "" */
	const char *event;      /* "connect", "refresh", "retry", "revoke", "forget",
	                           "secret" */
	enum lk_status status;
	const char *detail;     /* a sentence without secrets */
	int64_t took_ms;
};

#define LK_NO_AGENT 0x1u /* never ask a running agent */
#define LK_EXISTING 0x2u /* LK_NOT_FOUND where there is no vault: none is made */

struct lk_options {
	size_t size;
	/* Directory of the vault, or a PostgreSQL URL without a password (libpq finds
	 * it in its passfile or service). NULL: $LATCHKEY_VAULT, then
	 * $XDG_STATE_HOME/latchkey, then ~/.local/state/latchkey. */
	const char *vault;
	/* Where a new vault's key lives: "keyring", "credential:NAME", "file:PATH",
	 * "passphrase". NULL: $LATCHKEY_KEY, or the first of keyring, systemd
	 * credential "latchkey-vault", key file ~/.config/latchkey/vault.key (in
	 * $XDG_CONFIG_HOME/latchkey where that is set) that works.
	 * An existing vault knows where its key is; a different answer is refused. */
	const char *key;
	int lock_wait_ms;    /* longest wait for another's refresh; 0: 30000 */
	int http_timeout_ms; /* one request, whole; 0: 10000 */
	int attempts;        /* of a refresh that fails transiently; 0: 4 */
	unsigned flags;
	/* NULL: none. Called by any thread that is inside a call, which may hold a
	 * connection's lock: it must not call the library. */
	void (*event)(void *arg, const struct lk_event *event);
	void *arg;
};

/* Opens the vault, or makes an empty one (directory 0700). options may be NULL.
 * Free with lk_close, which closes the connections that are open; tokens and answers
 * are their holder's to free, before it or after. */
LK_API enum lk_status lk_open(const struct lk_options *options, struct lk **out,
	struct lk_error *error) LK_MUST_CHECK;
LK_API void lk_close(struct lk *lk); /* NULL is fine */
LK_API const char *lk_version(void); /* "0.1.0" */

/* ---- connecting: what is registered, and the person's consent ----------------- */

#define LK_DEVELOPMENT 0x1u     /* http to loopback addresses is allowed (R2.4) */
#define LK_S256_UNADVERTISED 0x2u /* the metadata do not name S256, and the server's
                                     documentation does (RULEBOOK CL-03) */

#define LK_PUBLIC_CLIENT "" /* as client_secret_file: the client has no secret, whatever
                               is kept for this name */

/* With issuer and client_id, or with neither to connect again: then what is not given is as
 * it was when this name was connected, and flags are added to those. */
struct lk_registration {
	size_t size;
	const char *issuer;    /* https, exactly as the server's operator gave it */
	const char *client_id;
	/* A file that holds the client secret (a trailing newline is dropped);
	 * "/dev/fd/3" is a descriptor. NULL: the one kept in the vault for this name,
	 * else a public client; LK_PUBLIC_CLIENT: none, and a kept one goes. Sent by
	 * client_secret_basic only (RFC 6749 2.3.1). */
	const char *client_secret_file;
	const char *redirect_uri; /* as registered. NULL: "http://127.0.0.1/callback",
	                             any port (RFC 8252 7.3); a web application's has
	                             no default */
	const char *scope;     /* words with a space between; NULL: server's default */
	const char *resource;  /* RFC 8707; NULL: none */
	const char *parameters; /* more for the authorization request, as
	                           "prompt=consent&subject_type=entity"; NULL: none */
	const char *ca_file;   /* PEM, added to the system's CAs; NULL: those alone */
	/* For a server without metadata (RFC 8414): the first two, and the third if there
	 * is one; or NULL and discovery. */
	const char *authorization_endpoint, *token_endpoint, *revocation_endpoint;
	unsigned flags;
};

/*
 * A web application, in two requests of the person's browser, in any process that
 * has the vault.
 *
 * lk_connect_start makes a new attempt (state, verifier; RFC 7636, RFC 6749 10.12),
 * pushes it where the server takes that (RFC 9126), keeps it in the vault for ten
 * minutes, and gives the URL to redirect the browser to: *url is freed with
 * lk_free. `browser` names the browser session (the value of your session cookie);
 * only its digest is kept.
 *
 * lk_connect_finish takes the query string that came to the redirect URI. It checks
 * state first (unknown, used, of another browser, older than ten minutes: LK_REJECTED),
 * then iss (RFC 9207), then error, then code (RULEBOOK CL-11), redeems the code, and
 * stores the connection under the name that was given at the start, replacing and
 * revoking what stood there. An attempt ends with its first answer, whatever it is.
 * out may be NULL.
 */
LK_API enum lk_status lk_connect_start(struct lk *lk, const char *name,
	const struct lk_registration *registration, const char *browser, char **url,
	struct lk_error *error) LK_MUST_CHECK;
LK_API enum lk_status lk_connect_finish(struct lk *lk, const char *browser,
	const char *query, struct lk_connection **out, struct lk_error *error)
	LK_MUST_CHECK;
LK_API void lk_free(char *text); /* wipes and frees; NULL is fine */

/*
 * An installed program, in one call: the system browser and a listener on loopback
 * (RFC 8252), or the device flow (RFC 8628), or a URL that is pasted back.
 */
enum lk_way {
	LK_WAY_BEST,    /* BROWSER where there is a display on this machine; else DEVICE
	                   if the server has it; else PASTE */
	LK_WAY_BROWSER,
	LK_WAY_DEVICE,
	LK_WAY_PASTE,
};

struct lk_person {
	size_t size;
	enum lk_way way;
	int timeout_s; /* how long the person may take, 600 at most; 0: 300 (RULEBOOK
	                  CL-15). Whoever takes longer ends it LK_TRY_LATER */
	/* Tells the person what to do. url: where to go (always); user_code: to be
	 * typed there, or NULL. Told again where no BROWSER could be started: the person
	 * opens url. Non-zero: give up. */
	int (*show)(void *arg, enum lk_way way, const char *url, const char *user_code);
	/* PASTE: reads the URL the browser ended at into text (size bytes); called again
	 * where that is no such URL, three times at most; it waits no longer than timeout_s.
	 * Non-zero: give up. NULL: PASTE is not offered. */
	int (*paste)(void *arg, char *text, size_t size);
	void *arg;
};

LK_API enum lk_status lk_connect(struct lk *lk, const char *name,
	const struct lk_registration *registration, const struct lk_person *person,
	struct lk_connection **out, struct lk_error *error) LK_MUST_CHECK;

/* ---- connections and tokens ----------------------------------------------------- */

/* 1 to 64 characters of A-Z a-z 0-9 . _ - @, not beginning with a dot. Opening reads
 * nothing from the network. */
LK_API enum lk_status lk_connection_open(struct lk *lk, const char *name,
	struct lk_connection **out, struct lk_error *error) LK_MUST_CHECK;
LK_API void lk_connection_close(struct lk_connection *connection); /* NULL is fine */

/* A fresh access token: good for 30 seconds or a tenth of its life at least,
 * whichever is less (RULEBOOK CL-20); while the server cannot be reached, one that is
 * alive. Freed with lk_token_free. */
LK_API enum lk_status lk_token(struct lk_connection *connection, struct lk_token **out,
	struct lk_error *error) LK_MUST_CHECK;
/* Good for min_ttl seconds at least where the server's lifetimes allow it; LK_TRY_LATER
 * while the server cannot be reached and the one in hand is not. */
LK_API enum lk_status lk_token_for(struct lk_connection *connection, int64_t min_ttl,
	struct lk_token **out, struct lk_error *error) LK_MUST_CHECK;
/* An API answered 401 invalid_token to `refused`: gives the token that has replaced it
 * meanwhile, or refreshes once (RULEBOOK CL-28). */
LK_API enum lk_status lk_token_after(struct lk_connection *connection,
	const struct lk_token *refused, struct lk_token **out, struct lk_error *error)
	LK_MUST_CHECK;
LK_API const char *lk_token_text(const struct lk_token *token); /* never parse it */
/* Seconds left; -1: the server did not say. */
LK_API int64_t lk_token_expires_in(const struct lk_token *token);
LK_API void lk_token_free(struct lk_token *token); /* NULL is fine */

/* The server's operator has rotated the client secret: the file holds the new one (as
 * lk_registration.client_secret_file), which replaces what the vault keeps, for all
 * processes and the agent, and nobody needs to consent again. What a server refused for
 * the old one (LK_CONFIGURATION) is asked again by the next lk_token. Where none is kept
 * it is LK_CONFIGURATION, and nothing changes: a public client that was given a secret at
 * the server is connected again. */
LK_API enum lk_status lk_client_secret(struct lk_connection *connection,
	const char *client_secret_file, struct lk_error *error) LK_MUST_CHECK;

/* ---- calling an API -------------------------------------------------------------- */

struct lk_header {
	const char *name, *value;
};

struct lk_request {
	size_t size;
	const char *method; /* NULL: GET, or POST with a body */
	const char *url;    /* https; LK_DEVELOPMENT: or http on loopback */
	const struct lk_header *headers; /* Authorization is the library's */
	size_t header_count;
	const void *body;
	size_t body_size;
	const char *ca_file; /* NULL: the connection's */
	int timeout_ms;      /* 0: the library's http_timeout_ms */
	size_t max_body;     /* of the answer; 0: 1 MiB. Not with a sink */
	/* Takes the body as it comes instead of keeping it; non-zero: give up. Called
	 * only for the answer that is returned, never for a 401 that is repeated. */
	int (*sink)(void *arg, const void *p, size_t n);
	void *arg;
};

/*
 * Adds `Authorization: Bearer`, sends, and on one 401 invalid_token (RFC 6750 3.1)
 * refreshes once and repeats once. A redirect is followed within the same origin
 * only, for GET and HEAD, five times at most; anywhere else it is the answer
 * (RULEBOOK CL-34). LK_OK: there is an answer, whatever its status.
 */
LK_API enum lk_status lk_call(struct lk_connection *connection,
	const struct lk_request *request, struct lk_response **out,
	struct lk_error *error) LK_MUST_CHECK;
LK_API int lk_response_status(const struct lk_response *response);
LK_API const char *lk_response_header(const struct lk_response *response,
	const char *name); /* any case; NULL: not there */
/* Each in its turn, from 0: the name, with *value set; NULL: there are no more. */
LK_API const char *lk_response_header_at(const struct lk_response *response, size_t i,
	const char **value);
LK_API const char *lk_response_body(const struct lk_response *response, size_t *size);
LK_API void lk_response_free(struct lk_response *response); /* NULL is fine */

/* ---- the end of a connection ----------------------------------------------------- */

/* Revokes the refresh token (RFC 7009), and when the server has ended it, forgets it here:
 * LK_OK is both. After any other status nothing is forgotten and the connection goes on
 * as before: LK_TRY_LATER, and the same call later may succeed; LK_CONFIGURATION, the
 * server refuses or has no revocation endpoint (RULEBOOK CL-39). */
LK_API enum lk_status lk_disconnect(struct lk_connection *connection,
	struct lk_error *error) LK_MUST_CHECK;
/* Forgets it here and tells no server, which goes on honouring the tokens until they
 * expire or the person ends it there. For when lk_disconnect fails and the person will
 * not wait, and for a connection that cannot be read. */
LK_API enum lk_status lk_forget(struct lk *lk, const char *name, struct lk_error *error)
	LK_MUST_CHECK;

/* ---- looking --------------------------------------------------------------------- */

struct lk_info {
	size_t size;
	const char *name;
	const char *state;       /* "connected", "reconnect", "unreadable" (see detail) */
	const char *issuer, *client_id;
	const char *scope;       /* what was granted */
	const char *subject;     /* URN of the resource context (R4.6), or "" */
	int64_t connected_at;    /* Unix seconds, as all below; 0: never, or unknown */
	int64_t expires_at;      /* of the access token */
	int64_t refreshed_at;    /* last attempt to refresh */
	const char *outcome;     /* of it: "ok", or another lk_status_name; "none": there
	                            was none yet. "unreadable": why */
	const char *detail;      /* a sentence, or "" */
	int unanswered;          /* a refresh was sent whose answer nobody saw yet */
	const char *redirect_uri; /* as registered */
	const char *asked_scope; /* what was asked for, or "": the server's default */
};

/* Calls `each` for every connection in the order of names until it gives non-zero.
 * The strings live during the call. */
LK_API enum lk_status lk_list(struct lk *lk,
	int (*each)(void *arg, const struct lk_info *info), void *arg,
	struct lk_error *error) LK_MUST_CHECK;
LK_API enum lk_status lk_info(struct lk_connection *connection,
	int (*each)(void *arg, const struct lk_info *info), void *arg,
	struct lk_error *error) LK_MUST_CHECK;

struct lk_attempt {
	size_t size;
	int64_t at;
	const char *event;  /* "connect", "refresh", "revoke", "forget", "secret" */
	enum lk_status status;
	const char *detail;
	int64_t took_ms;
};

/* What was tried for the connection of that name, oldest first; the newest 200 or so are
 * kept, and stay when it is disconnected. LK_NOT_FOUND: neither it nor a history of it. */
LK_API enum lk_status lk_log(struct lk *lk, const char *name,
	int (*each)(void *arg, const struct lk_attempt *attempt), void *arg,
	struct lk_error *error) LK_MUST_CHECK;

/* Where the vault and its key are, in words: "directory /home/ada/.local/state/latchkey"
 * and "desktop keyring (login)". Live as long as lk. */
LK_API const char *lk_vault_place(const struct lk *lk);
LK_API const char *lk_vault_key_place(const struct lk *lk);
/* "agent (pid 4711)" or "" when none answers. */
LK_API const char *lk_agent_place(struct lk *lk);

#ifdef __cplusplus
}
#endif

#endif
