/* SPDX-License-Identifier: Apache-2.0 */
/* clerk.c - a thread, a mailbox in, and the loop's mailbox back. */
#include "demo/clerk.h"

#include <pthread.h>
#include <stdlib.h>

struct clerk {
	pthread_t thread;
	struct mailbox *in, *home;
	clerk_answer *answer;
	void *arg;
	struct letter stop;
	bool stopped;
};

/* Lives in its request's arena, which http_reply ends. */
struct errand {
	struct letter letter;
	struct clerk *clerk;
	struct http_request *request;
	struct http_reply reply;
};

/* On the loop's thread. */
static void
errand_return(struct letter *l)
{
	struct errand *e = (struct errand *)l;

	http_reply(e->request, &e->reply);
}

/* On the clerk's thread. */
static void
errand_run(struct letter *l)
{
	struct errand *e = (struct errand *)l;

	e->clerk->answer(e->request, &e->reply, e->clerk->arg);
	e->letter.open = errand_return;
	mailbox_post(e->clerk->home, &e->letter);
}

static void
clerk_stop(struct letter *l)
{
	struct clerk *c =
		(struct clerk *)(void *)((char *)l - offsetof(struct clerk, stop));

	c->stopped = true;
}

static void *
clerk_work(void *arg)
{
	struct clerk *c = arg;

	while (!c->stopped)
		for (struct letter *l = mailbox_wait(c->in, -1), *next; l != NULL;
			l = next) {
			next = l->next;
			l->open(l);
		}
	return NULL;
}

struct clerk *
clerk_new(struct loop *home, clerk_answer *answer, void *arg)
{
	struct clerk *c = must_calloc(1, sizeof *c);

	c->in = mailbox_new();
	c->home = loop_mailbox(home);
	c->answer = answer;
	c->arg = arg;
	c->stop.open = clerk_stop;
	if (pthread_create(&c->thread, NULL, clerk_work, c) != 0)
		out_of_memory(sizeof *c);
	return c;
}

void
clerk_take(struct http_request *r, void *clerk)
{
	struct clerk *c = clerk;
	struct errand *e = ARENA_NEW(r->arena, struct errand);

	e->letter.open = errand_run;
	e->clerk = c;
	e->request = r;
	mailbox_post(c->in, &e->letter);
}

void
clerk_free(struct clerk *c)
{
	if (c == NULL)
		return;
	mailbox_post(c->in, &c->stop);
	pthread_join(c->thread, NULL);
	mailbox_free(c->in);
	free(c);
}

void
clerk_header(struct http_request *r, struct http_reply *reply, struct bytes name,
	struct bytes value)
{
	struct http_header *headers = (struct http_header *)(uintptr_t)reply->headers;

	if (headers == NULL)
		reply->headers = headers =
			ARENA_ARRAY(r->arena, struct http_header, CLERK_HEADERS);
	if (reply->header_count < CLERK_HEADERS)
		headers[reply->header_count++] = (struct http_header){ name, value };
}
