/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_assets.c - the style sheet, the brand's picture and clients' logos, all from
 * our own origin (U-03). A digest is in each name, so they are cached for ever.
 */
#include "server/endpoints.h"
#include "server/visit.h"

struct logo {
	struct client_logo find;
	struct bytes etag;
};

static step_fn logo_show;
static step_fn *const logo_steps[] = { logo_show, NULL };

/* The part of a logo's digest that stands in its URL. */
static const char *
logo_version(struct arena *a, const struct client *c)
{
	return arena_hex(a, c->logo_digest, 4);
}

static struct bytes
logo_path(struct exchange *x, const struct client *c)
{
	return visit_path(x, arena_printf(x->arena, "/logo/%.*s/%s",
		BYTES_FMT(c->client_id), logo_version(x->arena, c)));
}

struct page_client
page_client_of(struct exchange *x, const struct client *c)
{
	return (struct page_client){
		.name = c->name,
		.client_uri = c->client_uri,
		.tos_uri = c->tos_uri,
		.policy_uri = c->policy_uri,
		.logo_path = c->has_logo ? logo_path(x, c) : NONE,
		.contact = c->contacts.n > 0 ? c->contacts.p[0] : NONE,
		.development = c->development,
		.pkce_exempt = c->pkce_exempt,
	};
}

/* /logo/<client_id>/<8 hex>: the digest must be that of the logo there is. */
enum step
logo_find(struct exchange *x)
{
	struct bytes rest = bytes_slice(x->request->path, x->snapshot->issuer_path.n,
		x->request->path.n);
	struct logo *l = ARENA_NEW(x->arena, struct logo);
	const struct client *c;

	(void)bytes_cut(&rest, '/');
	(void)bytes_cut(&rest, '/');
	c = catalogue_client(x->catalogue, bytes_cut(&rest, '/'));
	if (c == NULL || !c->has_logo ||
		!bytes_equal(rest, bytes_of(logo_version(x->arena, c))))
		return refuse_with(x, 404, REASON_not_found);
	x->client = c;
	x->state = l;
	l->find.client = c->id;
	l->etag = bytes_of(arena_printf(x->arena, "\"%.*s\"", BYTES_FMT(rest)));
	x->steps = logo_steps;
	exchange_ask(x, &l->find.call);
	store_client_logo(x->worker->port, &l->find);
	return WAIT;
}

static enum step
logo_show(struct exchange *x)
{
	struct logo *l = x->state;

	if (!l->find.found)
		return refuse_with(x, 404, REASON_not_found);
	return reply_document(x,
		&(struct reply_document){ .type = x->client->logo_type,
			.body = l->find.logo, .etag = l->etag, .max_age = 31536000,
			.immutable = true });
}

enum step
asset_show(struct exchange *x)
{
	struct bytes path = bytes_slice(x->request->path, x->snapshot->issuer_path.n,
		x->request->path.n);
	const struct page_asset *list;
	size_t n = pages_assets(x->worker->shared->pages, &list);

	for (size_t i = 0; i < n; i++)
		if (bytes_equal(path, list[i].path))
			return reply_document(x,
				&(struct reply_document){ .type = list[i].type,
					.body = list[i].body,
					.etag = bytes_of(arena_printf(x->arena, "\"%.*s\"",
						BYTES_FMT(bytes_slice(path, 1, path.n)))),
					.max_age = 31536000, .immutable = true });
	return refuse_with(x, 404, REASON_not_found);
}

/* The root of the server is of no use to anyone but a person. */
enum step
root_show(struct exchange *x)
{
	return visit_go(x, "/account");
}
