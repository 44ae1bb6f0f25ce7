/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c - a queue under a lock, and the threads that work it off.
 */
#include "agent/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct letter *first, **last; /* not begun */
	bool stopping;
	struct mailbox *reply;
	size_t busy;                  /* the loop's thread: given and not done */
	size_t threads;
	pthread_t thread[POOL_THREADS];
};

static void
told(struct letter *l)
{
	struct work *w = (struct work *)l;

	w->pool->busy--;
	w->done(w);
}

/* The next, or NULL once there is none and never will be. */
static struct work *
take(struct pool *p)
{
	struct letter *l;

	pthread_mutex_lock(&p->lock);
	while (p->first == NULL && !p->stopping)
		pthread_cond_wait(&p->more, &p->lock);
	l = p->first;
	if (l != NULL) {
		p->first = l->next;
		if (p->first == NULL)
			p->last = &p->first;
	}
	pthread_mutex_unlock(&p->lock);
	return (struct work *)l;
}

static void *
work_off(void *arg)
{
	struct pool *p = arg;
	struct work *w;

	while ((w = take(p)) != NULL) {
		w->run(w);
		log_flush();
		w->letter.open = told;
		mailbox_post(p->reply, &w->letter);
	}
	return NULL;
}

struct pool *
pool_new(struct mailbox *reply)
{
	struct pool *p = must_calloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	p->last = &p->first;
	p->reply = reply;
	return p;
}

/* One thread for each work under way, up to the most; what cannot have one waits. */
static void
more_threads(struct pool *p)
{
	if (p->threads == POOL_THREADS || p->busy <= p->threads)
		return;
	if (pthread_create(&p->thread[p->threads], NULL, work_off, p) == 0)
		p->threads++;
	else if (p->threads == 0)
		abort(); /* a process that may not have one thread is of no use */
}

void
pool_do(struct pool *p, struct work *w)
{
	w->letter.next = NULL;
	w->pool = p;
	p->busy++;
	more_threads(p);
	pthread_mutex_lock(&p->lock);
	*p->last = &w->letter;
	p->last = &w->letter.next;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
}

size_t
pool_busy(const struct pool *p)
{
	return p->busy;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
