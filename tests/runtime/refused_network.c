/* Preloaded by test_telemetry.py: connections and look-ups are refused, and noted in $REFUSED. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const char *whom) {
    const char *path = getenv("REFUSED");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    char line[300];
    snprintf(line, sizeof line, "%s %s\n", what, whom ? whom : "?");
    if (file < 0 || write(file, line, strlen(line)) < 0) abort();
    close(file);
}

static int is_far(const struct sockaddr *to) {
    return to && (to->sa_family == AF_INET || to->sa_family == AF_INET6);
}

int connect(int socket, const struct sockaddr *to, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    if (!is_far(to)) return real(socket, to, size);
    note("connect", "an address");
    errno = ENETUNREACH;
    return -1;
}

ssize_t sendto(int socket, const void *data, size_t length, int flags, const struct sockaddr *to,
               socklen_t size) {
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
        dlsym(RTLD_NEXT, "sendto");
    if (!is_far(to)) return real(socket, data, length, flags, to, size);
    note("sendto", "an address");
    errno = ENETUNREACH;
    return -1;
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
    ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
    if (!is_far(message->msg_name)) return real(socket, message, flags);
    note("sendmsg", "an address");
    errno = ENETUNREACH;
    return -1;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    unsigned char number[16];
    if (!name || inet_pton(AF_INET, name, number) == 1 || inet_pton(AF_INET6, name, number) == 1)
        return real(name, service, hints, found);
    note("getaddrinfo", name);
    return EAI_NONAME;
}

struct hostent *gethostbyname(const char *name) {
    note("gethostbyname", name);
    return NULL;
}

int gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size,
                    struct hostent **found, int *error) {
    note("gethostbyname_r", name);
    *found = NULL;
    *error = HOST_NOT_FOUND;
    return 0;
}
