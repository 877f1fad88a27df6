#include "listener.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tls.h"
#include "unix_socket.h"

enum {
    BACKLOG = 4096,            /* a storm of connections must not be answered with SYN drops */
    ACCEPTS_PER_WAKE_UP = 256, /* but those that are connected must get their turn as well */
    PORT_ATTEMPTS = 16,
    PAUSE = 250,               /* ms without accepting when even the spare descriptor is lost */
    COMPLAINT_INTERVAL = 60000 /* ms */
};

/* Accepting. */

static void on_client(uv_poll_t *poll, int status, int events);

union address {
    struct sockaddr generic;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

/* Who it is on a Unix socket: "user 1000, process 4711". */
static void describe_process(int descriptor, char text[static LONGEST_ADDRESS])
{
    struct ucred who = {0};
    socklen_t length = sizeof who;
    const bool known = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0;
    snprintf(text, LONGEST_ADDRESS, known ? "user %u, process %d" : "Unix socket", (unsigned)who.uid,
             (int)who.pid);
}

/* "127.0.0.1:40000", "[::1]:40000" */
static void describe_peer(int descriptor, const union address *address, char text[static LONGEST_ADDRESS])
{
    char number[INET6_ADDRSTRLEN] = "?";
    if (address->generic.sa_family == AF_UNIX) {
        describe_process(descriptor, text);
    } else if (address->generic.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, number, sizeof number);
        snprintf(text, LONGEST_ADDRESS, "[%s]:%u", number, (unsigned)ntohs(address->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, number, sizeof number);
        snprintf(text, LONGEST_ADDRESS, "%s:%u", number, (unsigned)ntohs(address->v4.sin_port));
    }
}

static void watch_all(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        int result = uv_poll_start(&listeners->items[i].poll, UV_READABLE, on_client);
        assert(result == 0);
    }
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void end_pause(uv_timer_t *timer)
{
    struct listeners *listeners = timer->data;
    if (listeners->spare < 0)
        listeners->spare = open_spare();
    watch_all(listeners);
}

static void pause_accepting(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        uv_poll_stop(&listeners->items[i].poll);
    uv_timer_start(&listeners->pause, end_pause, PAUSE, 0);
}

static void complain(struct listeners *listeners, int error)
{
    uint64_t now = uv_now(listeners->sockets->loop);
    if (now < listeners->next_complaint)
        return;
    listeners->next_complaint = now + COMPLAINT_INTERVAL;
    log_write(listeners->log, LOG_ERROR,
              "cannot accept connections: %s; %zu are open; raise the limit of open files (ulimit -n)",
              strerror(error), listeners->sockets->count);
}

/* There is no descriptor, perhaps for a client that waits (the kernel says so before it looks whether
 * there is one). Left alone it would keep the listener readable for ever: a busy loop. With the spare
 * descriptor it is accepted and closed, so that it learns of its misfortune. Returns whether another
 * client may be waiting. */
static bool turn_away(struct listener *listener, int error)
{
    struct listeners *listeners = listener->all;
    int descriptor = -1;
    if (listeners->spare >= 0) {
        close(listeners->spare);
        descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        bool nobody = descriptor < 0 && errno == EAGAIN;
        if (descriptor >= 0)
            close(descriptor);
        listeners->sockets->statistics.no_descriptor += descriptor >= 0;
        listeners->spare = open_spare();
        if (nobody && listeners->spare >= 0)
            return false;
    }
    complain(listeners, error);
    if (descriptor >= 0 && listeners->spare >= 0)
        return true;
    pause_accepting(listeners);
    return false;
}

/* Takes the filter over; NULL: there was no memory for it. */
static bool add_filter(struct transport *transport, struct filter *filter)
{
    if (filter)
        transport_add(transport, filter);
    return filter;
}

/* The filters that a group's clients need. False: no memory. */
static bool make_transport(const struct listener_group *group, struct transport **transport)
{
    const bool websockets = group->protocol == PROTOCOL_WEBSOCKETS;
    *transport = NULL;
    if (!group->tls && !websockets)
        return true;
    *transport = transport_create();
    if (*transport && (!group->tls || add_filter(*transport, tls_filter_create(group->tls))) &&
        (!websockets || add_filter(*transport, websocket_filter_create(&group->websocket.options))))
        return true;
    transport_destroy(*transport);
    return false;
}

/* Whether the listener has room for one client more; complains otherwise. */
static bool has_room(struct listener *listener)
{
    struct listeners *listeners = listener->all;
    struct listener_group *group = &listeners->groups[listener->group];
    const uint64_t now = uv_now(listeners->sockets->loop);
    if (listeners->sockets->population[listener->group] < group->maximum_connections)
        return true;
    listeners->sockets->statistics.listeners_full++;
    if (now >= group->next_complaint) {
        group->next_complaint = now + COMPLAINT_INTERVAL;
        const struct line name = listener_describe(listener);
        log_write(listeners->log, LOG_WARNING,
                  "%s has all the clients that max_connections allows (%u): others are "
                  "turned away",
                  name.text, (unsigned)group->maximum_connections);
    }
    return false;
}

static void count_refusal(struct host_statistics *statistics, enum address_limit verdict)
{
    statistics->all_full += verdict == ADDRESS_ALL_FULL;
    statistics->addresses_full += verdict == ADDRESS_FULL;
    statistics->addresses_fast += verdict == ADDRESS_TOO_FAST;
}

/* Whether the client's address may have one more; complains otherwise. The sockets tell when it goes. */
static bool address_welcome(struct listener *listener, int descriptor, const union address *address)
{
    struct listeners *listeners = listener->all;
    const uint64_t now = uv_now(listeners->sockets->loop);
    const enum address_limit verdict =
        address_limits_enter(&listeners->sockets->addresses, descriptor, &address->generic, now);
    if (verdict == ADDRESS_WELCOME)
        return true;
    count_refusal(&listeners->sockets->statistics, verdict);
    if (now >= listeners->next_turned_away) {
        char peer[LONGEST_ADDRESS];
        listeners->next_turned_away = now + COMPLAINT_INTERVAL / 6;
        describe_peer(descriptor, address, peer);
        log_write(listeners->log, LOG_WARNING, "%s is turned away, perhaps others as well: %s", peer,
                  address_limits_describe(verdict));
    }
    return false;
}

static void welcome(struct listener *listener, int descriptor, const union address *address)
{
    char peer[LONGEST_ADDRESS];
    struct transport *transport;
    if (!has_room(listener) || !address_welcome(listener, descriptor, address)) {
        close(descriptor);
        return;
    }
    if (!make_transport(&listener->all->groups[listener->group], &transport)) {
        address_limits_leave(&listener->all->sockets->addresses, descriptor);
        close(descriptor);
        return;
    }
    describe_peer(descriptor, address, peer);
    sockets_adopt(listener->all->sockets, descriptor, peer, transport, listener->group);
}

/* Returns whether another client may be waiting. */
static bool accept_one(struct listener *listener)
{
    union address address = {0};
    socklen_t length = sizeof address;
    int descriptor = accept4(listener->descriptor, &address.generic, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        welcome(listener, descriptor, &address);
        return true;
    }
    if (errno == EAGAIN)
        return false;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        return turn_away(listener, errno);
    return true; /* this one failed before it was accepted (ECONNABORTED and others, see accept(2)) */
}

static void on_client(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    for (int accepted = 0; accepted < ACCEPTS_PER_WAKE_UP; accepted++) {
        if (!accept_one(poll->data))
            return;
    }
}

/* Opening. */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Returns a listening descriptor, or -1 with errno. What is set here the accepted sockets inherit, which
 * saves two system calls for each of them: TCP_NODELAY, because output is gathered here already and must
 * not wait in the kernel for more; SO_KEEPALIVE, so that a client without a Keep Alive that vanished is
 * noticed some day. */
static int listen_on(const struct sockaddr *address, socklen_t length)
{
    int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* So that :: and 0.0.0.0 can be given side by side. */
    if (address->sa_family == AF_INET6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(descriptor, address, length) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static uint16_t port_of(int descriptor)
{
    union address address = {0};
    socklen_t length = sizeof address;
    if (getsockname(descriptor, &address.generic, &length) != 0)
        return 0;
    return ntohs(address.generic.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* Another listener of the group that's being made. */
static struct listener *new_listener(struct listeners *listeners, int descriptor)
{
    struct listener *listener = &listeners->items[listeners->count++];
    *listener = (struct listener){
        .all = listeners, .descriptor = descriptor, .group = (uint8_t)(listeners->group_count - 1)};
    return listener;
}

/* Adds one address that was looked up, and says in `*port` which one was chosen if it was 0. Returns 0 or an
 * errno value. */
static int add_listener(struct listeners *listeners, const struct addrinfo *found, uint16_t *port)
{
    if (listeners->count == MAXIMUM_LISTENERS)
        return ENOSPC;
    int descriptor = listen_on(found->ai_addr, found->ai_addrlen);
    if (descriptor < 0)
        return errno;
    if (*port == 0)
        *port = port_of(descriptor);
    struct listener *listener = new_listener(listeners, descriptor);
    listener->local = is_loopback(found->ai_addr);
    listener->port = *port;
    getnameinfo(found->ai_addr, found->ai_addrlen, listener->address, sizeof listener->address, NULL, 0,
                NI_NUMERICHOST);
    return 0;
}

/* The port may have been found only after the address was looked up. */
static void set_port(struct sockaddr *address, uint16_t port)
{
    if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons(port);
}

static void complain_of_address(const struct listeners *listeners, const char *name, uint16_t port, int error)
{
    log_write(listeners->log, LOG_ERROR, "cannot listen on %s port %u: %s", name, (unsigned)port,
              strerror(error));
}

/* Listens on everything that a name stands for ("localhost" may be two addresses). `quiet`: says nothing
 * of a failure. Returns 0, an errno value, or -1 when there is no such address. */
static int add_address(struct listeners *listeners, const struct endpoint *endpoint, const char *name,
                       uint16_t *port, bool quiet)
{
    static const int families[] = {
        [DOMAIN_ANY] = AF_UNSPEC, [DOMAIN_IPV4] = AF_INET, [DOMAIN_IPV6] = AF_INET6};
    struct addrinfo hints = {.ai_family = families[endpoint->settings->domain],
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(name, NULL, &hints, &found);
    if (result != 0) {
        if (!quiet)
            log_write(listeners->log, LOG_ERROR, "cannot listen on %s: %s", name, gai_strerror(result));
        return -1;
    }
    int error = 0;
    for (struct addrinfo *one = found; one && error == 0; one = one->ai_next) {
        set_port(one->ai_addr, *port);
        error = add_listener(listeners, one, port);
    }
    freeaddrinfo(found);
    if (error != 0 && !quiet)
        complain_of_address(listeners, name, *port, error);
    return error;
}

static void close_descriptors(struct listeners *listeners, size_t first)
{
    for (size_t i = first; i < listeners->count; i++) {
        const struct listener *listener = &listeners->items[i];
        close(listener->descriptor);
        if (listener->port == 0)
            unix_socket_remove(listener->address, &listener->file);
    }
    listeners->count = first;
}

/* An address that may be missing: but a port that somebody else has on it is no good, because clients that
 * try this address first would reach the wrong server. */
static int add_optional(struct listeners *listeners, const struct endpoint *endpoint, const char *name,
                        uint16_t *port, bool quiet)
{
    int error = add_address(listeners, endpoint, name, port, true);
    if (error != EADDRINUSE)
        return 0;
    if (!quiet)
        complain_of_address(listeners, name, *port, error);
    return error;
}

static int add_all(struct listeners *listeners, const struct endpoint *endpoint, bool quiet)
{
    uint16_t port = endpoint->port;
    int error = 0;
    for (size_t i = 0; i < endpoint->count && error == 0; i++) {
        bool optional = endpoint->last_optional && i == endpoint->count - 1;
        error = optional ? add_optional(listeners, endpoint, endpoint->addresses[i], &port, quiet)
                         : add_address(listeners, endpoint, endpoint->addresses[i], &port, quiet);
    }
    return error;
}

static bool add_unix_socket(struct listeners *listeners, const char *path)
{
    struct stat file;
    if (listeners->count == MAXIMUM_LISTENERS)
        return false;
    const int descriptor = unix_socket_listen(path, BACKLOG, &file);
    if (descriptor < 0) {
        log_write(listeners->log, LOG_ERROR, "cannot listen on %s: %s", path,
                  errno == ENOTSOCK ? "there is a file that is no socket" : strerror(errno));
        return false;
    }
    struct listener *listener = new_listener(listeners, descriptor);
    listener->local = true;
    listener->file = file;
    memcpy(listener->address, path, strlen(path) + 1);
    return true;
}

/* A port that the kernel chose for the first address may be taken on the second: then another one is
 * tried. */
static bool bind_endpoint(struct listeners *listeners, const struct endpoint *endpoint)
{
    size_t first = listeners->count;
    if (endpoint->count == 0)
        return add_unix_socket(listeners, endpoint->settings->path);
    for (int attempt = 1;; attempt++) {
        bool last = endpoint->port != 0 || attempt == PORT_ATTEMPTS;
        int error = add_all(listeners, endpoint, !last);
        if (error == 0)
            return true;
        close_descriptors(listeners, first);
        if (last)
            return false;
    }
}

static bool bind_all(struct listeners *listeners, const struct endpoint *endpoints, size_t count)
{
    /* All of them at once, so that none is forgotten when one cannot be bound. */
    assert(count <= MAXIMUM_ENDPOINTS);
    for (size_t i = 0; i < count; i++)
        listeners_configure(listeners, i, endpoints[i].settings, endpoints[i].tls);
    for (size_t i = 0; i < count; i++) {
        listeners->group_count = i + 1;
        if (!bind_endpoint(listeners, &endpoints[i])) {
            close_descriptors(listeners, 0);
            return false;
        }
    }
    return true;
}

/* Copies `words` to `text` and makes a list of them. Returns how many they are. */
static size_t split(const char *words, char text[static CONFIGURATION_TEXT_SIZE],
                    const char *list[static CONFIGURATION_WORDS])
{
    size_t count = 0;
    char *rest = NULL;
    memcpy(text, words, CONFIGURATION_TEXT_SIZE);
    for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        assert(count < CONFIGURATION_WORDS); /* the configuration has no more */
        list[count++] = word;
    }
    return count;
}

/* In place: clients who are connected, or about to be, have the options of their listener. */
static void configure_websocket(struct listener_websocket *websocket,
                                const struct configuration_websockets *settings)
{
    websocket->options.upgrade = (struct http_upgrade_rules){
        .paths = websocket->paths,
        .path_count = split(settings->paths, websocket->path_text, websocket->paths),
        .origins = websocket->origins,
        .origin_count = split(settings->origins, websocket->origin_text, websocket->origins),
        .maximum_size = settings->headers_size,
    };
}

void listeners_configure(struct listeners *listeners, size_t index,
                         const struct configuration_listener *settings, struct tls_context *tls)
{
    assert(index < MAXIMUM_ENDPOINTS);
    tls_context_release(listeners->groups[index].tls);
    listeners->groups[index] = (struct listener_group){
        .tls = tls,
        .maximum_connections = settings->maximum_connections,
        .protocol = settings->protocol,
        .use_identity = settings->tls.use_identity,
        .use_subject = settings->tls.use_subject,
    };
    configure_websocket(&listeners->groups[index].websocket, &settings->websockets);
}

bool listeners_certify(const struct listeners *listeners, const void *host, const char **name)
{
    const struct listener_group *group = &listeners->groups[sockets_group(host)];
    if (!group->use_identity && !group->use_subject)
        return false;
    const struct peer_identity *identity = sockets_identity(host);
    *name = NULL;
    if (identity)
        *name = group->use_identity ? identity->common_name : identity->subject;
    return true;
}

struct line listener_describe(const struct listener *listener)
{
    const struct listener_group *group = &listener->all->groups[listener->group];
    const bool websockets = group->protocol == PROTOCOL_WEBSOCKETS;
    struct line text = {0};
    line_text(&text, listener->address);
    if (listener->port != 0) {
        line_text(&text, " port ");
        line_number(&text, listener->port);
    }
    const char *const transports[] = {listener->port == 0 ? "Unix socket" : NULL, group->tls ? "TLS" : NULL,
                                      websockets ? "WebSocket" : NULL};
    const char *before = " (";
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        if (!transports[i])
            continue;
        line_text(&text, before);
        line_text(&text, transports[i]);
        before = ", ";
    }
    line_text(&text, *before == ',' ? ")" : "");
    return text;
}

/* Somebody else may have come first since the socket was bound. A Unix socket listens already. */
static bool start_one(struct listeners *listeners, struct listener *listener)
{
    if (listen(listener->descriptor, BACKLOG) != 0) {
        complain_of_address(listeners, listener->address, listener->port, errno);
        return false;
    }
    const int result = uv_poll_init(listeners->sockets->loop, &listener->poll, listener->descriptor);
    if (result != 0) {
        log_write(listeners->log, LOG_ERROR, "cannot watch %s: %s", listener->address, uv_strerror(result));
        return false;
    }
    listener->poll.data = listener;
    listener->watched = true;
    return true;
}

bool listeners_start(struct listeners *listeners)
{
    uv_loop_t *loop = listeners->sockets->loop;
    for (size_t i = 0; i < listeners->count; i++) {
        if (!start_one(listeners, &listeners->items[i]))
            return false;
    }
    uv_timer_init(loop, &listeners->pause);
    listeners->pause.data = listeners;
    watch_all(listeners);
    return true;
}

bool listeners_open(struct listeners *listeners, struct sockets *sockets, const struct log *log,
                    const struct endpoint *endpoints, size_t count)
{
    *listeners = (struct listeners){.sockets = sockets, .log = log, .spare = open_spare()};
    return bind_all(listeners, endpoints, count);
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i].watched)
            uv_close((uv_handle_t *)&listeners->items[i].poll, NULL);
    }
    if (listeners->pause.data)
        uv_close((uv_handle_t *)&listeners->pause, NULL);
    listeners->pause.data = NULL;
    close_descriptors(listeners, 0);
    for (size_t i = 0; i < MAXIMUM_ENDPOINTS; i++) {
        tls_context_release(listeners->groups[i].tls);
        listeners->groups[i].tls = NULL;
        listeners->groups[i].websocket.options.going_away = true;
    }
    if (listeners->spare >= 0)
        close(listeners->spare);
    listeners->spare = -1;
}
