/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue.c - a snapshot is sorted once and then only searched.
 */
#include "rules/catalogue.h"

#include <stdlib.h>

#include "rules/scope.h"

static int
client_order(const void *x, const void *y)
{
	return bytes_compare(((const struct client *)x)->client_id,
		((const struct client *)y)->client_id);
}

static int
row_order(const void *x, const void *y)
{
	int64_t a = (*(const struct client *const *)x)->id;
	int64_t b = (*(const struct client *const *)y)->id;

	return (a > b) - (a < b);
}

static int
scope_order(const void *x, const void *y)
{
	return bytes_compare(((const struct scope_entry *)x)->name,
		((const struct scope_entry *)y)->name);
}

/* The names of sorted entries, joined, are canonical. */
static struct bytes
join_scopes(const struct catalogue *c)
{
	size_t size = 0;
	struct buf b;

	for (size_t i = 0; i < c->scope_count; i++)
		size += c->scopes[i].name.n + 1;
	b = buf_new(c->arena, size);
	for (size_t i = 0; i < c->scope_count; i++) {
		if (i > 0)
			buf_putc(&b, ' ');
		buf_put(&b, c->scopes[i].name);
	}
	return buf_bytes(&b);
}

void
catalogue_seal(struct catalogue *c)
{
	if (c->client_count > 0)
		qsort(c->clients, c->client_count, sizeof(*c->clients), client_order);
	if (c->scope_count > 0)
		qsort(c->scopes, c->scope_count, sizeof(*c->scopes), scope_order);
	c->by_row = ARENA_ARRAY(c->arena, const struct client *, c->client_count);
	for (size_t i = 0; i < c->client_count; i++)
		c->by_row[i] = &c->clients[i];
	if (c->client_count > 0)
		qsort(c->by_row, c->client_count, sizeof(*c->by_row), row_order);
	c->all_scopes = join_scopes(c);
	c->references = 1;
}

struct catalogue *
catalogue_hold(struct catalogue *c)
{
	__atomic_fetch_add(&c->references, 1, __ATOMIC_RELAXED);
	return c;
}

/* The catalogue itself may lie in its arena, so nothing is touched after. */
void
catalogue_release(struct catalogue *c)
{
	if (c != NULL && __atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL) == 0)
		arena_free(c->arena);
}

const struct client *
catalogue_client(const struct catalogue *c, struct bytes client_id)
{
	const struct client wanted = { .client_id = client_id };

	return c->client_count == 0 ? NULL :
		bsearch(&wanted, c->clients, c->client_count, sizeof(wanted),
			client_order);
}

const struct client *
catalogue_client_by_row(const struct catalogue *c, int64_t id)
{
	const struct client wanted = { .id = id }, *key = &wanted;
	const struct client *const *found;

	if (c->client_count == 0)
		return NULL;
	found = bsearch(&key, c->by_row, c->client_count, sizeof(key), row_order);
	return found != NULL ? *found : NULL;
}

const struct client *
catalogue_resource(const struct catalogue *c, struct bytes uri)
{
	for (size_t i = 0; i < c->client_count && uri.n > 0; i++) {
		const struct client *resource = &c->clients[i];

		if (resource->type == CLIENT_RESOURCE && !resource->disabled &&
			bytes_equal(resource->resource_uri, uri))
			return resource;
	}
	return NULL;
}

const struct scope_entry *
catalogue_scope(const struct catalogue *c, struct bytes name)
{
	const struct scope_entry wanted = { .name = name };

	return c->scope_count == 0 ? NULL :
		bsearch(&wanted, c->scopes, c->scope_count, sizeof(wanted),
			scope_order);
}

const struct scope_entry *
catalogue_scope_by_id(const struct catalogue *c, uint16_t id)
{
	for (size_t i = 0; i < c->scope_count; i++)
		if (c->scopes[i].id == id)
			return &c->scopes[i];
	return NULL;
}

/* CO-04: a preflight does not say which client will follow. */
bool
catalogue_has_origin(const struct catalogue *c, struct bytes origin)
{
	for (size_t i = 0; i < c->client_count; i++)
		if (client_has_origin(&c->clients[i], origin))
			return true;
	return false;
}
