/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - a client as a document and back, and what is asked of one.
 *
 * Each member of the document is one row of one table, which both directions
 * walk; so what is written is read.
 */
#include "rules/client.h"

#include <assert.h>
#include <string.h>

#include "text/json.h"

/* ---- names ----------------------------------------------------------------- */

const char *
client_type_name(enum client_type t)
{
	switch (t) {
	case CLIENT_PUBLIC: return "public";
	case CLIENT_CONFIDENTIAL: return "confidential";
	case CLIENT_RESOURCE: return "resource";
	}
	return "public";
}

bool
client_type_by_name(struct bytes name, enum client_type *out)
{
	for (enum client_type t = CLIENT_PUBLIC; t <= CLIENT_RESOURCE; t++) {
		if (bytes_equal(name, bytes_of(client_type_name(t)))) {
			*out = t;
			return true;
		}
	}
	return false;
}

const char *
subject_type_name(enum subject_type t)
{
	switch (t) {
	case SUBJECT_ANY: return "any";
	case SUBJECT_COMPANY: return "company";
	case SUBJECT_ENTITY: return "entity";
	}
	return "any";
}

bool
subject_type_by_name(struct bytes name, enum subject_type *out)
{
	for (enum subject_type t = SUBJECT_ANY; t <= SUBJECT_ENTITY; t++) {
		if (bytes_equal(name, bytes_of(subject_type_name(t)))) {
			*out = t;
			return true;
		}
	}
	return false;
}

static const struct {
	const char *name;
	enum grant_type type;
} grant_types[] = {
	{ "authorization_code", GRANT_TYPE_AUTHORIZATION_CODE },
	{ "refresh_token", GRANT_TYPE_REFRESH_TOKEN },
	{ "client_credentials", GRANT_TYPE_CLIENT_CREDENTIALS },
};
#define GRANT_TYPES (sizeof(grant_types) / sizeof(grant_types[0]))

unsigned
grant_type_by_name(struct bytes name)
{
	for (size_t i = 0; i < GRANT_TYPES; i++)
		if (bytes_equal(name, bytes_of(grant_types[i].name)))
			return grant_types[i].type;
	return 0;
}

/* ---- the document ---------------------------------------------------------- */

enum member_kind { MEMBER_TEXT, MEMBER_TEXTS, MEMBER_FLAG, MEMBER_NUMBER };

#define MEMBER(name, kind, field) { name, kind, offsetof(struct client, field) }
static const struct member {
	const char *name;
	enum member_kind kind;
	size_t offset;
} members[] = {
	MEMBER("client_id", MEMBER_TEXT, client_id),
	MEMBER("client_id_issued_at", MEMBER_NUMBER, created_at),
	MEMBER("client_name", MEMBER_TEXT, name),
	MEMBER("client_uri", MEMBER_TEXT, client_uri),
	MEMBER("tos_uri", MEMBER_TEXT, tos_uri),
	MEMBER("policy_uri", MEMBER_TEXT, policy_uri),
	MEMBER("initiate_login_uri", MEMBER_TEXT, initiate_uri),
	MEMBER("settings_uri", MEMBER_TEXT, settings_uri),
	MEMBER("contacts", MEMBER_TEXTS, contacts),
	MEMBER("redirect_uris", MEMBER_TEXTS, redirect_uris),
	MEMBER("origins", MEMBER_TEXTS, origins),
	MEMBER("scope", MEMBER_TEXT, scope),
	MEMBER("default_scope", MEMBER_TEXT, default_scope),
	MEMBER("native", MEMBER_FLAG, native),
	MEMBER("development", MEMBER_FLAG, development),
	MEMBER("disabled", MEMBER_FLAG, disabled),
	MEMBER("pkce_exempt", MEMBER_FLAG, pkce_exempt),
	MEMBER("redirect_uri_optional", MEMBER_FLAG, redirect_uri_optional),
	MEMBER("retry_without_key", MEMBER_NUMBER, retry_without_key),
	MEMBER("refresh_for_browser", MEMBER_FLAG, refresh_for_browser),
	MEMBER("not_before", MEMBER_NUMBER, not_before),
	MEMBER("resource", MEMBER_TEXT, resource_uri),
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static const void *
field_of(const struct client *c, const struct member *m)
{
	return (const char *)c + m->offset;
}

/* client_check passed, so every text is UTF-8 and jansson takes it. */
static json_t *
json_of(struct bytes text)
{
	json_t *value = json_stringn(text.n > 0 ? text.p : "", text.n);

	assert(value != NULL);
	return value;
}

static json_t *
json_of_texts(const struct strings *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->n; i++)
		json_array_append_new(array, json_of(texts->p[i]));
	return array;
}

/* NULL: the field says nothing, and the member is left out. */
static json_t *
json_of_member(const struct client *c, const struct member *m)
{
	const void *field = field_of(c, m);
	struct bytes text;
	int64_t number;

	switch (m->kind) {
	case MEMBER_TEXT:
		memcpy(&text, field, sizeof(text));
		return bytes_empty(text) ? NULL : json_of(text);
	case MEMBER_TEXTS:
		return ((const struct strings *)field)->n == 0 ? NULL :
			json_of_texts(field);
	case MEMBER_FLAG:
		return *(const bool *)field ? json_true() : NULL;
	case MEMBER_NUMBER:
		memcpy(&number, field, sizeof(number));
		return number == 0 ? NULL : json_integer(number);
	}
	return NULL;
}

static json_t *
json_of_grant_types(unsigned types)
{
	json_t *array = json_array();

	for (size_t i = 0; i < GRANT_TYPES; i++)
		if (types & grant_types[i].type)
			json_array_append_new(array, json_string(grant_types[i].name));
	return array;
}

json_t *
client_to_json(const struct client *c)
{
	json_t *document = json_object();

	for (size_t i = 0; i < MEMBERS; i++) {
		json_t *value = json_of_member(c, &members[i]);

		if (value != NULL)
			json_object_set_new(document, members[i].name, value);
	}
	json_object_set_new(document, "client_type",
		json_string(client_type_name(c->type)));
	json_object_set_new(document, "default_subject_type",
		json_string(subject_type_name(c->subject_type)));
	json_object_set_new(document, "grant_types",
		json_of_grant_types(c->grant_types));
	return document;
}

static bool
read_text(struct arena *a, const json_t *value, struct bytes *out)
{
	if (!json_is_string(value))
		return false;
	*out = arena_bytes(a, (struct bytes){ json_string_value(value),
		json_string_length(value) });
	return true;
}

static bool
read_texts(struct arena *a, const json_t *value, struct strings *out)
{
	size_t n = json_array_size(value);
	struct bytes *texts = ARENA_ARRAY(a, struct bytes, n);

	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!read_text(a, json_array_get(value, i), &texts[i]))
			return false;
	*out = (struct strings){ texts, n };
	return true;
}

/* An absent member leaves the field as it is, which is empty. */
static bool
read_member(struct arena *a, const json_t *value, const struct member *m,
	struct client *c)
{
	void *field = (char *)c + m->offset;

	if (value == NULL)
		return true;
	switch (m->kind) {
	case MEMBER_TEXT: return read_text(a, value, field);
	case MEMBER_TEXTS: return read_texts(a, value, field);
	case MEMBER_FLAG:
		*(bool *)field = json_is_true(value);
		return json_is_boolean(value);
	case MEMBER_NUMBER:
		*(int64_t *)field = json_integer_value(value);
		return json_is_integer(value);
	}
	return false;
}

static bool
read_grant_types(const json_t *array, unsigned *out)
{
	if (!json_is_array(array))
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		unsigned type = grant_type_by_name(bytes_of(name));

		if (type == 0)
			return false;
		*out |= type;
	}
	return true;
}

bool
client_from_json(struct arena *a, const json_t *document, struct client *out)
{
	struct client c = { 0 };
	const char *type = json_string_value(json_object_get(document, "client_type"));
	const char *subject =
		json_string_value(json_object_get(document, "default_subject_type"));

	for (size_t i = 0; i < MEMBERS; i++)
		if (!read_member(a, json_object_get(document, members[i].name),
				&members[i], &c))
			return false;
	if (!client_type_by_name(bytes_of(type), &c.type) ||
		!subject_type_by_name(bytes_of(subject), &c.subject_type) ||
		!read_grant_types(json_object_get(document, "grant_types"),
			&c.grant_types) ||
		bytes_empty(c.client_id))
		return false;
	*out = c;
	return true;
}

/* ---- what is asked of a client --------------------------------------------- */

/* RFC 6749 1.5, TR-17; browser apps only by the operator's choice (NB-02). */
bool
client_may_refresh(const struct client *c)
{
	return (c->grant_types & GRANT_TYPE_REFRESH_TOKEN) != 0 &&
		(c->origins.n == 0 || c->refresh_for_browser);
}

/* CO-03: octets, as browsers write an origin. */
bool
client_has_origin(const struct client *c, struct bytes origin)
{
	if (c->type != CLIENT_PUBLIC || c->disabled)
		return false;
	for (size_t i = 0; i < c->origins.n; i++)
		if (bytes_equal(c->origins.p[i], origin))
			return true;
	return false;
}

size_t
client_warnings(const struct client *c, const char *out[static 4])
{
	size_t n = 0;

	if (c->pkce_exempt)
		out[n++] = "exempt from PKCE: a stolen code can be redeemed";
	if (c->redirect_uri_optional)
		out[n++] = "may leave out redirect_uri at the token endpoint";
	if (c->retry_without_key > 0)
		out[n++] = "may repeat a refresh without a retry key: for some seconds "
			"a stolen refresh token is not noticed";
	if (c->development)
		out[n++] = "a development client: http on this machine is allowed";
	return n;
}
