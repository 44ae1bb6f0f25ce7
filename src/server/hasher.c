/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hasher.c - two queues of bounded length and the threads that work them off.
 */
#include "server/hasher.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/urgency.h"
#include "crypto/password.h"

#define THREADS_MAX 32

struct line {
	struct letter *first, **last; /* a job's letter is its link */
	size_t waiting;
};

struct hasher {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct line lines[2]; /* strangers, known browsers */
	bool known_next;      /* whose turn it is while both wait */
	size_t most;
	bool stopping;
	size_t threads;
	pthread_t thread[THREADS_MAX];
};

static struct hash_job *
job_of(struct letter *l)
{
	return (struct hash_job *)((char *)l - offsetof(struct hash_job, letter));
}

static void
job_open(struct letter *l)
{
	struct hash_job *job = job_of(l);

	job->done(job);
}

static void
line_add(struct line *line, struct letter *l)
{
	l->next = NULL;
	if (line->waiting++ == 0)
		line->last = &line->first;
	*line->last = l;
	line->last = &l->next;
}

static struct letter *
line_take(struct line *line)
{
	struct letter *l = line->first;

	line->first = l->next;
	line->waiting--;
	return l;
}

/* In turns while both wait; NULL: nobody does. */
static struct letter *
next_in_line(struct hasher *h)
{
	bool known = h->lines[h->known_next].waiting > 0 ? h->known_next : !h->known_next;

	if (h->lines[known].waiting == 0)
		return NULL;
	h->known_next = !known;
	return line_take(&h->lines[known]);
}

/* The next job, or NULL once there is none and never will be. */
static struct hash_job *
hasher_take(struct hasher *h)
{
	struct letter *l;

	pthread_mutex_lock(&h->lock);
	while ((l = next_in_line(h)) == NULL && !h->stopping)
		pthread_cond_wait(&h->work, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return l != NULL ? job_of(l) : NULL;
}

static void *
hasher_work(void *arg)
{
	struct hasher *h = arg;
	struct hash_job *job;

	urgency_low(); /* who waits for a token goes before who signs in */
	while ((job = hasher_take(h)) != NULL) {
		job->matches = password_matches(job->password, job->hash);
		job->letter.open = job_open;
		mailbox_post(job->reply, &job->letter);
	}
	return NULL;
}

static size_t
hasher_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t half = cpus > 1 ? (size_t)cpus / 2 : 1;

	return half < THREADS_MAX ? half : THREADS_MAX;
}

struct hasher *
hasher_new(size_t queue)
{
	struct hasher *h = must_calloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->work, NULL);
	h->most = queue;
	for (size_t i = 0; i < hasher_threads(); i++)
		if (pthread_create(&h->thread[i], NULL, hasher_work, h) == 0)
			h->threads++;
		else if (i == 0)
			abort(); /* a process that may not have one thread is of no use */
		else
			break;
	return h;
}

void
hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_broadcast(&h->work);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < h->threads; i++)
		pthread_join(h->thread[i], NULL);
	pthread_cond_destroy(&h->work);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

bool
hasher_ask(struct hasher *h, struct hash_job *job)
{
	struct line *line = &h->lines[job->known];
	bool room;

	pthread_mutex_lock(&h->lock);
	room = line->waiting < h->most && !h->stopping;
	if (room) {
		line_add(line, &job->letter);
		pthread_cond_signal(&h->work);
	}
	pthread_mutex_unlock(&h->lock);
	return room;
}

size_t
hasher_waiting(struct hasher *h)
{
	size_t waiting;

	pthread_mutex_lock(&h->lock);
	waiting = h->lines[false].waiting + h->lines[true].waiting;
	pthread_mutex_unlock(&h->lock);
	return waiting;
}
