/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges.c - root for as long as it takes to bind a port, and no longer.
 *
 * Files are opened as the user we become, so that what a reload will need later
 * (certificate, key) fails now if it is going to fail.
 */
#include "server/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 1048576

/* Whom to become: by name, or who owns the data directory. */
static enum outcome
identity_find(const char *dir, const char *user, uid_t *uid, gid_t *gid, struct fault *f)
{
	const struct passwd *named;
	struct stat st;

	if (stat(dir, &st) != 0)
		return FAULT_AT(f, "%s: %s", dir, strerror(errno));
	/* Who can make files there can put another database in place of ours. */
	if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return FAULT_AT(f, "%s is open to others (mode %04o): chmod 700 %s", dir,
			(unsigned)st.st_mode & 07777u, dir);
	*uid = st.st_uid;
	*gid = st.st_gid;
	if (user[0] == '\0')
		return DONE;
	named = getpwnam(user);
	if (named == NULL)
		return FAULT_AT(f, "there is no user %s", user);
	if (named->pw_uid != st.st_uid)
		return FAULT_AT(f, "%s belongs to another user than %s; "
			"run: chown -R %s %s", dir, user, user, dir);
	*uid = named->pw_uid;
	*gid = named->pw_gid;
	return DONE;
}

static bool
permitted(unsigned capability)
{
	return capng_have_capability(CAPNG_PERMITTED, capability) != 0;
}

/* A server of root's that its predecessor started has none left to keep, and nothing to
 * clear the bounding set with, which is empty already. */
static enum outcome
identity_change(uid_t uid, gid_t gid, struct fault *f)
{
	capng_select_t which;
	bool binds;
	int changed;

	capng_get_caps_process();
	which = permitted(CAP_SETPCAP) ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS;
	binds = permitted(CAP_NET_BIND_SERVICE);
	capng_clear(CAPNG_SELECT_BOTH);
	if (binds && capng_update(CAPNG_ADD,
		(capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
		CAP_NET_BIND_SERVICE) != 0)
		return FAULT_AT(f, "cannot choose capabilities");
	changed = uid == 0 ? capng_apply(which) :
		capng_change_id((int)uid, (int)gid,
			(capng_flags_t)(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
	if (changed == 0)
		return DONE;
	return FAULT_AT(f, "cannot become user %u: %s", (unsigned)uid, strerror(errno));
}

enum outcome
privileges_become(const char *dir, const char *user, const char **warning,
	struct fault *f)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	*warning = NULL;
	TRY(identity_find(dir, user, &uid, &gid, f));
	if (geteuid() == 0) {
		if (uid == 0)
			*warning = "the data directory belongs to root, so the server stays "
				   "root without capabilities; give it a user of its own";
		return identity_change(uid, gid, f);
	}
	if (user[0] != '\0' && uid != geteuid())
		return FAULT_AT(f, "only root can become %s", user);
	if (access(dir, R_OK | W_OK | X_OK) != 0)
		return FAULT_AT(f, "%s: %s; run as its owner", dir, strerror(errno));
	return DONE;
}

enum outcome
privileges_drop(struct fault *f)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return FAULT_AT(f, "cannot give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return FAULT_AT(f, "cannot set no_new_privs: %s", strerror(errno));
	return DONE;
}

size_t
privileges_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (geteuid() == 0 && limit.rlim_max < DESCRIPTORS)
		limit.rlim_max = DESCRIPTORS;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 &&
		getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max; /* without raising what root set */
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)limit.rlim_cur : 0;
}
