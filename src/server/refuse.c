/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse.c - how a peer is told no: in public one fixed sentence and an id, in
 * private (under that id) every fact an operator needs to see why.
 */
#include <string.h>

#include "base/secret.h"
#include "server/exchange.h"
#include "text/json.h"

#define NOTE_TEXT_MAX ((size_t)1024)
#define FACTS_MAX ((size_t)8192)
#define PAGE_MAX ((size_t)262144)

static void
note_add(struct exchange *x, struct note note)
{
	if (x->notes == NULL)
		x->notes = ARENA_ARRAY(x->arena, struct note, EXCHANGE_NOTES);
	if (x->note_count < EXCHANGE_NOTES)
		x->notes[x->note_count++] = note;
}

void
note_text(struct exchange *x, const char *key, struct bytes text)
{
	if (text.p != NULL)
		note_add(x, (struct note){ .key = key, .text = text });
}

void
note_number(struct exchange *x, const char *key, int64_t number)
{
	note_add(x, (struct note){ .key = key, .number = number });
}

static struct bytes
refusal_facts(struct exchange *x)
{
	struct buf b = buf_new(x->arena, FACTS_MAX);
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	json_member(&j, "method", x->request->method_name);
	for (size_t i = 0; i < x->note_count; i++) {
		const struct note *n = &x->notes[i];

		if (n->text.p != NULL)
			json_member(&j, n->key, bytes_slice(n->text, 0, NOTE_TEXT_MAX));
		else
			json_member_number(&j, n->key, n->number);
	}
	json_close(&j, '}');
	return b.failed ? B("{}") : buf_bytes(&b);
}

/* 50 random bits, in letters that cannot be taken for one another. */
static void
refusal_id(char id[static ERROR_ID_SIZE + 1])
{
	uint8_t random[ERROR_ID_SIZE];

	secret_random(random, sizeof(random));
	for (size_t i = 0; i < ERROR_ID_SIZE; i++)
		id[i] = "0123456789abcdefghjkmnpqrstvwxyz"[random[i] & 31];
	id[ERROR_ID_SIZE] = '\0';
}

/* Notes are for people; they give way when changes wait to be written. */
static void
refusal_keep(struct exchange *x)
{
	struct refusal_note *n;

	if (store_backlog(x->worker->shared->store) > (size_t)x->config->store_queue / 2)
		return;
	n = ARENA_NEW(x->arena, struct refusal_note);
	memcpy(n->id, x->error_id, ERROR_ID_SIZE);
	n->at = x->now;
	n->reason = bytes_of(reason_name(x->reason));
	n->endpoint = bytes_of(x->endpoint->name);
	n->client_id = x->client != NULL ? x->client->client_id : x->auth.client_id;
	n->from = x->request->peer;
	n->facts = refusal_facts(x);
	n->has_grant = x->has_grant;
	memcpy(n->grant, x->grant, sizeof(n->grant));
	n->call.arena = x->arena;
	store_refusal_note(x->worker->port, n);
}

void
refused(struct exchange *x, enum reason reason)
{
	x->reason = reason;
	refusal_id(x->error_id);
	refusal_keep(x);
	reply_header(x, B("Latchkey-Error-Id"), bytes_of(x->error_id));
}

/* RFC 6749 section 5.2. */
static enum step
refuse_json(struct exchange *x, int status, enum reason reason)
{
	struct buf b = buf_new(x->arena, 512);
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	json_member(&j, "error", bytes_of(oauth_error_name(reason_error(reason))));
	json_member(&j, "error_description", bytes_of(reason_why(reason)));
	json_close(&j, '}');
	return reply_json(x, status, buf_bytes(&b));
}

static struct bytes
refusal_title(int status)
{
	switch (status) {
	case 403:
		return B("This form cannot be used any more");
	case 404:
		return B("There is nothing here");
	case 429:
		return B("Too many attempts");
	case 500:
	case 503:
		return B("This does not work right now");
	default:
		return B("This link does not work");
	}
}

static struct bytes
refusal_for_person(int status, enum reason reason)
{
	/* A disk that fails while it commits leaves open what it has kept. */
	if (reason == REASON_storage_fault)
		return B("The mistake is on our side. What you did may have been kept or "
			 "not. Please try again in a moment.");
	switch (status) {
	case 429:
		return B("Please wait a while, then try again.");
	case 500:
	case 503:
		return B("The mistake is on our side and nothing was changed. "
			 "Please try again in a moment.");
	default:
		return B("Nothing was changed. Go back to the app you came from and "
			 "start again. If that does not help, tell the people who "
			 "make the app what is written here.");
	}
}

enum step
refuse_page(struct exchange *x, enum reason reason, struct page_message *m)
{
	struct buf html = buf_new(x->arena, PAGE_MAX);

	refused(x, reason);
	m->error_id = bytes_of(x->error_id);
	if (bytes_empty(m->for_integrator))
		m->for_integrator = bytes_of(arena_printf(x->arena, "%s: %s",
			oauth_error_name(reason_error(reason)), reason_why(reason)));
	page_message(x->worker->shared->pages, m, &html);
	return reply_html(x,
		&(struct reply_html){ .status = m->status, .html = buf_bytes(&html) });
}

static void
refuse_challenge(struct exchange *x, int status)
{
	/* RFC 9110 section 15.5.2: each 401 has a challenge; RFC 7617 section 2. */
	if (status == 401)
		reply_header(x, B("WWW-Authenticate"),
			B("Basic realm=\"latchkey\", charset=\"UTF-8\""));
}

enum step
refuse_with(struct exchange *x, int status, enum reason reason)
{
	if (x->endpoint->kind == DOOR_PAGE)
		return refuse_page(x, reason,
			&(struct page_message){
				.status = status,
				.title = refusal_title(status),
				.for_person = refusal_for_person(status, reason),
			});
	refused(x, reason);
	refuse_challenge(x, status);
	return refuse_json(x, status, reason);
}

enum step
refuse(struct exchange *x, enum reason reason)
{
	enum oauth_error error = reason_error(reason);

	/* H-15: what is ours is never a 4xx, whoever found it. */
	if (error == SERVER_ERROR || error == TEMPORARILY_UNAVAILABLE)
		return refuse_for_now(x, 503, reason, 1);
	/* D12: 401 only where the Authorization header was tried. */
	if (error == INVALID_CLIENT && x->auth.header_tried)
		return refuse_with(x, 401, reason);
	return refuse_with(x, 400, reason);
}

enum step
refuse_for_now(struct exchange *x, int status, enum reason reason, int64_t seconds)
{
	struct buf b = buf_new(x->arena, 24);

	buf_puti(&b, seconds);
	reply_header(x, B("Retry-After"), buf_bytes(&b));
	return refuse_with(x, status, reason);
}
