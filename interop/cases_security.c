/*
 * Cases about who may come in, and what he may do there.
 *
 * They need a broker with the users alice (the one that the program is given) and bob, whose password is
 * "builder", and with these rights: alice may do everything below interop/ except in topics whose fourth level
 * is "secret", bob may read there, and everybody may do everything below home/USER/.
 *
 * A refusal alone proves little, because a broker that is gone refuses as well: every case also shows that the
 * one who may come in can. Where TLS fails it shows so before, because Paho may take what OpenSSL said of the
 * failed connection for an error of the next one.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define BOB "bob"
#define PASSWORD_OF_BOB "builder"

/* Both codes of a refusal: the return code of MQTT 3, and the Reason Code of 5.0. */
struct refusal {
    int version_3;
    int version_5;
};

static const struct refusal bad_user_name_or_password = {4, 0x86};
static const struct refusal not_authorized = {5, 0x87};

static int refusal_code(struct scene *scene, struct refusal refusal)
{
    return scene->endpoint.protocol == PROTOCOL_5 ? refusal.version_5 : refusal.version_3;
}

static void expect_to_be_let_in(struct scene *scene)
{
    struct actor *both = join(scene);
    const char *name = topic(scene, "inside");
    for (int qos = 0; qos <= 2; qos++) {
        subscribe(both, name, qos);
        publish_text(both, name, "inside", qos);
        expect_text(both, name, "inside", qos);
    }
}

static void expect_refusal(struct scene *scene, const char *user_name, const char *password,
                           struct refusal refusal)
{
    struct endpoint endpoint = scene->endpoint;
    endpoint.user_name = user_name;
    endpoint.password = password;
    int code = knock(scene, &endpoint, NULL);
    if (code != refusal_code(scene, refusal)) {
        fail(scene, "the refusal has code %d instead of %d", code, refusal_code(scene, refusal));
    }
}

/* When TLS fails there is no CONNACK, hence no code of the broker's. */
static void expect_no_connection(struct scene *scene, const struct endpoint *endpoint)
{
    int code = knock(scene, endpoint, NULL);
    if (code >= 0) {
        fail(scene, "the broker answered with code %d, although TLS should have failed", code);
    }
    if (code == NO_ANSWER) {
        fail(scene, "no end of the connection within %d s", EVENT_DEADLINE_SECONDS);
    }
}

/* ---- TLS ---- */

static void other_authority_is_not_trusted(struct scene *scene)
{
    struct endpoint endpoint = scene->endpoint;
    endpoint.ca_file = scene->other_ca_file;
    expect_to_be_let_in(scene);
    expect_no_connection(scene, &endpoint);
}

/* ---- user names and passwords ---- */

static void right_password(struct scene *scene)
{
    expect_to_be_let_in(scene);
}

static void wrong_password(struct scene *scene)
{
    expect_refusal(scene, scene->endpoint.user_name, "wrong", bad_user_name_or_password);
    expect_to_be_let_in(scene);
}

static void password_of_another(struct scene *scene)
{
    expect_refusal(scene, BOB, scene->endpoint.password, bad_user_name_or_password);
    expect_to_be_let_in(scene);
}

static void unknown_user(struct scene *scene)
{
    expect_refusal(scene, "mallory", scene->endpoint.password, bad_user_name_or_password);
    expect_to_be_let_in(scene);
}

static void no_user_name(struct scene *scene)
{
    expect_refusal(scene, NULL, NULL, not_authorized);
    expect_to_be_let_in(scene);
}

static void will_with_password(struct scene *scene)
{
    struct actor *watcher = join(scene);
    struct message will = {.topic = topic(scene, "will"), .payload = "gone", .payload_length = 4, .qos = 1};
    subscribe(watcher, will.topic, 1);
    die_with_will(scene, &will);
    expect_text(watcher, will.topic, "gone", 1);
}

/* ---- rights ---- */

/* Publishes what must not be published: 5.0 says so, before it the message just goes nowhere. The synchronous
 * library does not pass the PUBACK's Reason Code on. */
static void publish_in_vain(struct actor *publisher, const char *name)
{
    struct scene *scene = publisher->scene;
    struct message message = {.topic = name, .payload = "denied", .payload_length = 6, .qos = 1};
    int expected = scene->endpoint.protocol == PROTOCOL_5 ? 0x87 : 0;
    int code = client_publish(publisher->client, &message);
    bool untold = code == 0 && strcmp(client_library(), "paho-sync") == 0;
    if (code != expected && !untold) {
        fail(scene, "publishing to \"%s\" without the right to ended with code %d instead of %d", name, code,
             expected);
    }
}

static void denied_message_reaches_nobody(struct scene *scene)
{
    struct endpoint endpoint = scene->endpoint;
    endpoint.user_name = BOB;
    endpoint.password = PASSWORD_OF_BOB;
    struct actor *bob;
    int code = knock(scene, &endpoint, &bob);
    if (code != 0) {
        fail(scene, "bob was refused with code %d", code);
    }
    struct actor *alice = join(scene);
    subscribe(bob, topic(scene, "#"), 1);
    publish_in_vain(alice, topic(scene, "secret/diary"));
    publish_text(alice, topic(scene, "open"), "sentinel", 1);
    expect_text(bob, topic(scene, "open"), "sentinel", 1);
}

/* 3.1 has no code for a refusal: QoS 0 is granted in form. */
static int code_of_denied_subscription(struct scene *scene)
{
    return scene->endpoint.protocol == PROTOCOL_3_1 ? 0 : refusal_code(scene, (struct refusal){0x80, 0x87});
}

static void denied_subscription(struct scene *scene)
{
    struct actor *alice = join(scene);
    const char *filter = topic(scene, "secret/#");
    int code = client_subscribe(alice->client, &(struct subscription){.filter = filter, .qos = 1});
    if (code != code_of_denied_subscription(scene)) {
        fail(scene, "subscribing to \"%s\" was answered with code %d instead of %d", filter, code,
             code_of_denied_subscription(scene));
    }
    expect_to_be_let_in(scene);
}

/* ---- certificates ---- */

static const char *topic_at_home(struct scene *scene, const char *user_name)
{
    const char *door = topic(scene, "door");
    size_t size = strlen("home//") + strlen(user_name) + strlen(door) + 1;
    char *name = scene_allocate(scene, size);
    snprintf(name, size, "home/%s/%s", user_name, door);
    return name;
}

/* The rights show that the broker took the user name from the certificate: it has come from nowhere else. */
static void certificate_names_the_user(struct scene *scene)
{
    struct actor *alice = join(scene);
    subscribe(alice, topic_at_home(scene, "+"), 1);
    publish_in_vain(alice, topic_at_home(scene, BOB));
    publish_text(alice, topic_at_home(scene, "alice"), "shut", 1);
    expect_text(alice, topic_at_home(scene, "alice"), "shut", 1);
}

static void no_certificate(struct scene *scene)
{
    struct endpoint endpoint = scene->endpoint;
    endpoint.certificate_file = NULL;
    endpoint.key_file = NULL;
    expect_to_be_let_in(scene);
    expect_no_connection(scene, &endpoint);
}

const struct interop_case cases_of_tls[] = {
    {"other_authority_is_not_trusted", ALL_VERSIONS, other_authority_is_not_trusted, 0, 0, false},
    {0},
};

const struct interop_case cases_of_passwords[] = {
    {"right_password", ALL_VERSIONS, right_password, 0, 0, false},
    {"wrong_password", ALL_VERSIONS, wrong_password, 0, 0, false},
    {"password_of_another", ALL_VERSIONS, password_of_another, 0, 0, false},
    {"unknown_user", ALL_VERSIONS, unknown_user, 0, 0, false},
    {"no_user_name", ALL_VERSIONS, no_user_name, 0, 0, false},
    {"will_with_password", ALL_VERSIONS, will_with_password, 0, 0, false},
    {"denied_message_reaches_nobody", ALL_VERSIONS, denied_message_reaches_nobody, 0, 0, false},
    {"denied_subscription", ALL_VERSIONS, denied_subscription, 0, 0, false},
    {0},
};

const struct interop_case cases_of_certificates[] = {
    {"certificate_names_the_user", ALL_VERSIONS, certificate_names_the_user, 0, 0, false},
    {"no_certificate", ALL_VERSIONS, no_certificate, 0, 0, false},
    {0},
};
