/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token that is read is, written again, the same text; and a token made out
 * of the input is read as it was made, and as nothing once it is changed.
 */
#include <string.h>

#include "crypto/token.h"
#include "fuzz.h"

static struct token_keys *keys;

/* The master of the seeds is 0, 1, 2 .. 31; epochs 5 and 63 are honoured. */
static void
begin(void)
{
	uint8_t master[32];

	if (keys != NULL)
		return;
	holds(crypto_start(NULL) == DONE);
	for (uint8_t i = 0; i < 32; i++)
		master[i] = i;
	keys = token_keys_new(master);
	token_keys_allow(keys, 5);
	token_keys_allow(keys, 63);
}

static struct bytes
text_of(const struct token_text *t)
{
	return (struct bytes){ t->p, t->n };
}

static void
written_again_it_is_the_same(struct bytes text)
{
	struct token_any any;
	struct token_text again;

	switch (token_read(keys, text, &any)) {
	case TOKEN_IS_GRANT:
		grant_token_write(keys, any.kind, &any.grant, &again);
		holds(bytes_equal(text_of(&again), text));
		break;
	case TOKEN_IS_CLIENT:
		client_token_write(keys, &any.client, &again);
		holds(bytes_equal(text_of(&again), text));
		break;
	case TOKEN_OF_OTHER_KIND:
		holds(false); /* token_read was asked for no kind */
		break;
	case TOKEN_NOT_OURS:
	case TOKEN_EPOCH_RETIRED:
		break;
	}
}

/* One character, wherever the input says, becomes what the input says. */
static void
changed_it_is_nothing(struct token_text *t, const uint8_t *data)
{
	struct token_any any;
	size_t at = data[0] % t->n;
	char was = t->p[at];

	t->p[at] = (char)data[1];
	if (t->p[at] != was)
		holds(token_read(keys, text_of(t), &any) == TOKEN_NOT_OURS);
}

static void
made_of_the_input(const uint8_t *data, size_t size)
{
	struct token_text t;
	struct token_any any;
	struct grant_token g = { .epoch = 5 };
	struct client_token c = { .epoch = 63 };

	if (size < 3 + GRANT_ID_SIZE)
		return;
	memcpy(g.id, data + 3, GRANT_ID_SIZE);
	g.generation = data[2];
	grant_token_write(keys, data[2] % 3, &g, &t);
	holds(token_read(keys, text_of(&t), &any) == TOKEN_IS_GRANT);
	holds(any.kind == data[2] % 3 && any.grant.generation == g.generation);
	changed_it_is_nothing(&t, data);

	memcpy(&c.client, data + 3, sizeof(c.client));
	memcpy(c.nonce, data + 11, sizeof(c.nonce));
	c.scope_count = data[2] % (TOKEN_MAX_SCOPES + 1);
	for (size_t i = 0; i < c.scope_count; i++)
		c.scopes[i] = (uint16_t)(data[3 + i % GRANT_ID_SIZE] * 257);
	client_token_write(keys, &c, &t);
	holds(token_read(keys, text_of(&t), &any) == TOKEN_IS_CLIENT);
	holds(any.client.client == c.client && any.client.scope_count == c.scope_count);
	holds(memcmp(any.client.scopes, c.scopes, 2 * c.scope_count) == 0);
	changed_it_is_nothing(&t, data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	written_again_it_is_the_same((struct bytes){ (const char *)data, size });
	made_of_the_input(data, size);
	return 0;
}
