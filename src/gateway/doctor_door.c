/* SPDX-License-Identifier: Apache-2.0
 * doctor_door.c - the gateway as its clients and Meta see it: does it answer, is it the one of this configuration, does its
 * webhook shake hands with who knows the token and nobody else, does it take what is signed and nothing else.
 *
 * What is posted is a webhook with no entry in it, and a proof by which the gateway knows that it is none of Meta's
 * (webhook_own.h): it is answered as its signature deserves, and nothing is kept. */
#include "gateway/doctor_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "gateway/webhook_own.h"
#include "net/form.h"
#include "net/http_client.h"

#define KEY_MAX   512
#define CHALLENGE "1158201444"

/* Where the gateway listens, as an address one can call. False: any port, which nobody can know. */
static bool local_origin(const struct doctor *d, char *out, size_t size)
{
    static const char *const any[] = {"0.0.0.0:", "[::]:"}, *const here[] = {"127.0.0.1:", "[::1]:"};
    const char *listen = d->o->listen, *colon = strrchr(listen, ':');
    if (colon == NULL || strcmp(colon, ":0") == 0)
        return false;
    snprintf(out, size, "http://%s", listen);
    for (size_t i = 0; i < 2; i++)
        if (strncmp(listen, any[i], strlen(any[i])) == 0)
            snprintf(out, size, "http://%s%s", here[i], colon + 1);
    return true;
}

/* Status, 0 none; the answer's beginning in the arena. */
static int ask(struct round *r, const char *method, const char *url, const struct http_header *h, size_t n,
               struct str body, struct str *ret, struct err *e)
{
    struct http_call c = {.method = str_of(method),
                          .url = str_of(url),
                          .headers = h,
                          .n_headers = n,
                          .body = body,
                          .body_length = (int64_t)body.n,
                          .timeout_ms = DOCTOR_CALL_MS,
                          .max_answer = 4u << 20};
    int status = http_fetch(&c, NULL, e) == 0 ? c.status : 0;
    if (ret != NULL) {
        char *kept = arena_strndup(r->arena, buf_cstr(&c.answer), c.answer.len);
        *ret = (struct str){kept, kept != NULL ? c.answer.len : 0};
    }
    http_call_done(&c);
    return status;
}

/* --- the gateway --------------------------------------------------------------------------------------------------- */

static bool admin_key(const struct doctor *d, char *out, char *path, size_t size)
{
    if (d->o->admin_key_file != NULL)
        snprintf(path, size, "%s", d->o->admin_key_file);
    else
        snprintf(path, size, "%s/admin.key", d->o->state_dir);
    char text[KEY_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    struct str key = str_trim((struct str){text, n > 0 ? (size_t)n : 0});
    memcpy(out, key.p, key.n);
    out[key.n] = '\0';
    explicit_bzero(text, sizeof text);
    return key.n > 0;
}

static int rest(struct round *r, const char *origin, const char *key, const char *path, struct json *ret)
{
    char url[400], bearer[KEY_MAX + 8];
    struct str answer;
    *ret = (struct json){0};
    snprintf(url, sizeof url, "%s/wayleave/v1%s", origin, path);
    snprintf(bearer, sizeof bearer, "Bearer %s", key);
    struct http_header h[] = {{STR("Authorization"), str_of(bearer)}};
    int status = ask(r, "GET", url, h, 1, STR(""), &answer, NULL);
    explicit_bzero(bearer, sizeof bearer);
    return json_parse(r->parser, answer, false, ret, NULL) == 0 ? status : 0;
}

static void subscribers(struct round *r, const char *origin, const char *key)
{
    struct json v;
    if (rest(r, origin, key, "/subscribers", &v) == 200)
        doctor_subscribers(r, json_get(v, "subscribers"));
}

static void the_gateway_itself(struct round *r, const char *origin)
{
    char key[KEY_MAX], path[4200];
    struct json v;
    if (!admin_key(r->d, key, path, sizeof path)) {
        doctor_say(r, "gateway.key", DOCTOR_WARN, "run this as the user the gateway runs as", "%s cannot be read: %s",
                   path, strerror(errno));
        return;
    }
    int status = rest(r, origin, key, "/status", &v);
    struct str version = json_str_or(json_get(v, "version"), STR(""));
    if (status == 401)
        doctor_say(r, "gateway.key", DOCTOR_FAIL,
                   "another gateway listens here: stop it, or correct listen or state_dir",
                   "what listens at %s does not accept the key of %s", origin, path);
    else if (status != 200)
        doctor_say(r, "gateway.key", DOCTOR_FAIL, "stop the program that has this port, or choose another with listen",
                   "what listens at %s is not this gateway (HTTP %d)", origin, status);
    else
        doctor_say(r, "gateway.key", DOCTOR_OK, NULL, "the admin key is accepted");
    if (status == 200 && !str_eq(version, str_of(r->d->version)))
        doctor_say(r, "gateway.version", DOCTOR_WARN,
                   "restart the gateway, so that it is the program that is installed",
                   "version %.*s runs, and this is version %s", (int)version.n, version.p, r->d->version);
    if (status == 200)
        subscribers(r, origin, key);
    explicit_bzero(key, sizeof key);
}

void doctor_gateway(struct round *r)
{
    char origin[300], url[340];
    struct err e = {0};
    struct str why = {NULL, 0};
    if (!local_origin(r->d, origin, sizeof origin)) {
        doctor_say(r, "gateway", DOCTOR_SKIP, "give listen a port of its own",
                   "listen has port 0, which can be any port");
        return;
    }
    snprintf(url, sizeof url, "%s/readyz", origin);
    int status = ask(r, "GET", url, NULL, 0, STR(""), &why, &e);
    if (status == 0) {
        doctor_say(r, "gateway", DOCTOR_FAIL, "start it: systemctl start wayleave, or wayleave serve --config FILE",
                   "nothing answers at %s: %s", origin, e.text);
        return;
    }
    why = str_trim(why);
    doctor_say(r, "gateway", status == 200 ? DOCTOR_OK : DOCTOR_FAIL,
               status == 200 ? NULL : "mend the disk or make room, then restart the gateway",
               status == 200 ? "answers at %s%s%.*s" : "at %s is not ready%s%.*s", origin, why.n > 2 ? ": " : "",
               (int)(why.n > 2 && why.n < 120 ? why.n : 0), why.p);
    the_gateway_itself(r, origin);
}

/* --- its webhook --------------------------------------------------------------------------------------------------- */

static int shake(struct round *r, const char *address, const char *token, bool *ret_right, struct err *e)
{
    struct buf url;
    struct str answer;
    buf_init(&url, 8192);
    buf_printf(&url, "%s?hub.mode=subscribe&hub.challenge=" CHALLENGE "&hub.verify_token=", address);
    percent_encode(&url, str_of(token));
    int status = ask(r, "GET", buf_cstr(&url), NULL, 0, STR(""), &answer, e);
    explicit_bzero(url.data, url.len);
    buf_done(&url);
    *ret_right = status == 200 && str_eq(answer, STR(CHALLENGE));
    return status;
}

/* `prover`: the app secret by which the gateway knows that it is no webhook; `signer`: what signs it. */
static int post(struct round *r, const char *address, const char *prover, const char *signer)
{
    uint8_t mac[SHA256_BYTES];
    char sign[SHA256_HEX + 8] = "sha256=", proof[SHA256_HEX];
    hmac_sha256(str_of(signer), STR(WEBHOOK_PROBE_BODY), mac);
    hex_encode(mac, sizeof mac, sign + strlen(sign));
    webhook_probe_proof(str_of(prover), proof);
    struct http_header h[] = {{STR("X-Hub-Signature-256"), str_of(sign)},
                              {STR(WEBHOOK_PROBE_HEADER), str_of(proof)},
                              {STR("Content-Type"), STR("application/json")}};
    return ask(r, "POST", address, h, 3, STR(WEBHOOK_PROBE_BODY), NULL, NULL);
}

static void signatures(struct round *r, const char *address)
{
    int forged = 401, right = 200;
    size_t n = 0;
    for (size_t i = 0; i < doctor_apps(r->d->o) && right == 200; i++) {
        struct webhook_app app = doctor_app(r->d->o, i);
        if (app.secret == NULL)
            continue;
        right = post(r, address, app.secret, app.secret);
        if (right == 200 && n++ == 0)
            forged = post(r, address, app.secret, "no secret of any app");
    }
    if (n == 0 && right == 200)
        doctor_say(r, "webhook.signature", DOCTOR_FAIL,
                   "put the app secret (App settings, Basic) into a file and name it with webhook.app_secret_file",
                   "no app secret is configured: every webhook is refused");
    else if (right != 200)
        doctor_say(r, "webhook.signature", DOCTOR_FAIL, "restart the gateway, so that it reads the secrets again",
                   "the gateway refuses what is signed with the app secret of this configuration (HTTP %d)", right);
    else if (forged != 401 && forged != 403)
        doctor_say(r, "webhook.signature", DOCTOR_FAIL, "look at what stands before the gateway",
                   "what is wrongly signed was answered with HTTP %d and not refused", forged);
    else
        doctor_say(r, "webhook.signature", DOCTOR_OK, NULL, "what is signed is taken, and what is forged refused");
}

static const char *verify_token(const struct doctor *d)
{
    const char *token = NULL;
    for (size_t i = 0; i < doctor_apps(d->o) && token == NULL; i++)
        token = doctor_app(d->o, i).verify_token;
    return token;
}

void doctor_door(struct round *r)
{
    char address[600], origin[300];
    bool right = false, wrong = false;
    const char *token = verify_token(r->d);
    if (!local_origin(r->d, origin, sizeof origin))
        return;
    snprintf(address, sizeof address, "%s%s", origin, r->d->o->webhook_path);
    int status = token != NULL ? shake(r, address, token, &right, NULL) : 0;
    shake(r, address, "not the verify token", &wrong, NULL);
    if (token == NULL) {
        doctor_say(r, "webhook.handshake", DOCTOR_FAIL,
                   "choose a word, put it into a file named by webhook.verify_token_file, and give it to Meta with the "
                   "address",
                   "no verify token is configured: Meta cannot verify the address");
    } else if (status == 0) {
        doctor_say(r, "webhook.handshake", DOCTOR_SKIP, NULL, "the gateway does not answer");
        return;
    } else if (!right || wrong) {
        doctor_say(r, "webhook.handshake", DOCTOR_FAIL,
                   right ? "look at what stands before the gateway"
                         : "restart the gateway, so that it reads the verify token again",
                   "%s",
                   right ? "the handshake is answered for a wrong verify token, too"
                         : "the gateway does not answer the handshake with the verify token of this configuration");
    } else {
        doctor_say(r, "webhook.handshake", DOCTOR_OK, NULL, "the handshake is right, and a wrong token is refused");
    }
    signatures(r, address);
}

void doctor_public(struct round *r)
{
    const char *token = verify_token(r->d);
    struct err e = {0};
    struct buf address;
    bool right = false, of_meta = strstr(r->d->o->upstream_url, "graph.facebook.com") != NULL;
    buf_init(&address, 4096);
    if (!doctor_public_address(r->d, &address)) {
        doctor_say(r, "webhook.public", DOCTOR_SKIP, "set public_url, so that the way from outside can be tried",
                   "public_url is not set: whether Meta reaches the gateway cannot be tried from here");
    } else if (of_meta && strncmp(r->d->o->public_url, "https://", 8) != 0) {
        doctor_say(r, "webhook.public", DOCTOR_FAIL,
                   "put a proxy with a certificate before the gateway, or set listen_tls",
                   "public_url is not https, and Meta posts to nothing else");
    } else if (token != NULL) {
        int status = shake(r, buf_cstr(&address), token, &right, &e);
        if (right)
            doctor_say(r, "webhook.public", DOCTOR_OK, NULL, "the handshake is right at %s", buf_cstr(&address));
        else if (status == 0)
            doctor_say(
                r, "webhook.public", DOCTOR_FAIL,
                "see whether the name, the firewall, the proxy and its certificate are right; from inside this network "
                "the address may also be closed on purpose",
                "%s is not reached: %s", buf_cstr(&address), e.text);
        else
            doctor_say(r, "webhook.public", DOCTOR_FAIL,
                       "have the proxy pass this path on to the gateway, with its query",
                       "%s does not answer the handshake (HTTP %d)", buf_cstr(&address), status);
    }
    buf_done(&address);
}
