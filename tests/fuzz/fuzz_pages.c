/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pages.c - hostile values in every page (RULEBOOK U-08).
 *
 * The input is cut at NUL; the pieces go round as the values of all the texts.
 * Whatever they are, a page has the markup it has when each of them is "x".
 */
#include "base/arena.h"
#include "fuzz.h"
#include "pages/pages.h"

#define PIECES_MAX 16

/* The pieces, handed out in turn; plain: "x" instead of each that is not empty. */
struct supply {
	struct bytes pieces[PIECES_MAX];
	size_t count, next;
	bool plain;
};

static struct bytes
take(struct supply *s)
{
	struct bytes piece = s->count > 0 ? s->pieces[s->next++ % s->count] : NONE;

	return s->plain && !bytes_empty(piece) ? B("x") : piece;
}

static struct page_client
client_from(struct supply *s)
{
	struct page_client c = { 0 };

	c.name = take(s);
	c.client_uri = take(s);
	c.tos_uri = take(s);
	c.policy_uri = take(s);
	c.logo_path = take(s);
	c.contact = take(s);
	return c;
}

static void
put_sign_in(const struct pages *p, struct supply *s, struct buf *out)
{
	struct page_hidden hidden = { take(s), take(s) };
	struct page_sign_in v = { .hidden = &hidden, .hidden_count = 1,
		.action = take(s), .failed = true };

	v.username = take(s);
	v.client_name = take(s);
	page_sign_in(p, &v, out);
}

static void
put_consent(const struct pages *p, struct supply *s, struct buf *out)
{
	struct page_hidden hidden = { take(s), take(s) };
	struct page_scope scope = { take(s), take(s) };
	struct page_context contexts[2] = { { .urn = take(s) }, { .name = take(s) } };
	struct bytes resource = take(s);
	struct page_consent v = { .hidden = &hidden, .hidden_count = 1,
		.client = client_from(s), .scopes = &scope, .scope_count = 1,
		.contexts = contexts, .context_count = s->count % 3,
		.resources = &resource, .resource_count = 1 };

	contexts[1].kind = take(s);
	v.action = take(s);
	v.person = take(s);
	v.username = take(s);
	v.recipient = take(s);
	page_consent(p, &v, out);
}

static void
put_account(const struct pages *p, struct supply *s, struct buf *out)
{
	struct page_connection connections[2] = {
		{ .client = client_from(s), .context = take(s), .since = take(s) },
		{ .client = client_from(s), .ended = take(s), .ended_by_replay = true },
	};
	struct page_account v = { .connections = connections, .connection_count = 2 };

	v.person = take(s);
	v.username = take(s);
	v.notice = take(s);
	v.disconnect_action = take(s);
	page_account(p, &v, out);
}

static void
put_message(const struct pages *p, struct supply *s, struct buf *out)
{
	struct page_message v = { .status = 400 };

	v.title = take(s);
	v.for_person = take(s);
	v.for_integrator = take(s);
	v.error_id = take(s);
	v.link.label = take(s);
	v.link.href = take(s);
	page_message(p, &v, out);
}

static void
put_form_post(const struct pages *p, struct supply *s, struct buf *out)
{
	struct page_hidden hidden = { take(s), take(s) };
	struct page_form_post v = { .hidden = &hidden, .hidden_count = 1 };

	v.action = take(s);
	v.client_name = take(s);
	v.nonce = take(s);
	page_form_post(p, &v, out);
}

static size_t
markup_of_all(const struct pages *p, struct supply s)
{
	struct arena *a = arena_new();
	struct buf out = buf_new(a, (size_t)8 << 20);
	size_t count = 0;

	put_sign_in(p, &s, &out);
	put_consent(p, &s, &out);
	put_account(p, &s, &out);
	put_message(p, &s, &out);
	put_form_post(p, &s, &out);
	holds(!out.failed);
	for (size_t i = 0; i < out.n; i++)
		count += out.p[i] == '<' || out.p[i] == '>' || out.p[i] == '"';
	arena_free(a);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pages *p;
	struct bytes rest = { (const char *)data, size > 8192 ? 8192 : size };
	struct supply supply = { .plain = false };
	struct supply plain;
	struct fault f;

	if (p == NULL)
		holds(pages_open(NULL, B("Acme Spend"), &p, &f) == DONE);
	while (rest.n > 0 && supply.count < PIECES_MAX)
		supply.pieces[supply.count++] = bytes_cut(&rest, '\0');
	plain = supply;
	plain.plain = true;
	holds(markup_of_all(p, supply) == markup_of_all(p, plain));
	return 0;
}
