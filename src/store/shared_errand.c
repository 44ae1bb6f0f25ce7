/* SPDX-License-Identifier: Apache-2.0 */
/* shared_errand.c - a letter, and a condition that says it was seen to. */
#include "store/shared_errand.h"

void
errand_send(struct errand *e, struct mailbox *to)
{
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->over, NULL);
	e->done = false;
	mailbox_post(to, &e->letter);
	pthread_mutex_lock(&e->lock);
	while (!e->done)
		pthread_cond_wait(&e->over, &e->lock);
	pthread_mutex_unlock(&e->lock);
	pthread_cond_destroy(&e->over);
	pthread_mutex_destroy(&e->lock);
}

void
errand_done(struct errand *e)
{
	pthread_mutex_lock(&e->lock);
	e->done = true;
	pthread_cond_signal(&e->over);
	pthread_mutex_unlock(&e->lock);
}
