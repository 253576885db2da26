/* SPDX-License-Identifier: Apache-2.0
 * signals.c - waiting for the signal to stop, and telling the service manager.
 *
 * Signals are blocked in every thread and taken with sigwait() by the main one, so no handler runs anywhere.
 * SIGPIPE is ignored: a client that hangs up is an error code, not the end of the program. */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/serve.h"

static void watched(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void signals_hold(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;
    watched(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void signals_wait(void (*hup)(void *ctx), void *ctx)
{
    sigset_t set;
    int got = 0;
    watched(&set);
    while (sigwait(&set, &got) != 0 || got == SIGHUP)
        if (got == SIGHUP)
            hup(ctx);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void notify_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if (n == 0 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract socket */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* The manager's silence is not ours to handle: it will time out by itself. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}
