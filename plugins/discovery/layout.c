/* layout.c - see layout.h. */
#include "plugins/discovery/layout.h"

static json_t *payload_of(const struct definition *d, const struct standing *s)
{
    json_t *tags = d->tags != NULL ? json_incref(d->tags) : json_array();
    json_t *meta = d->meta != NULL ? json_incref(d->meta) : json_object();
    return json_pack("{s:i, s:o, s:o, s:I, s:s, s:I, s:s, s:s?}", "zooid", LAYOUT_VERSION, "tags", tags, "meta", meta,
                     "weight", (json_int_t)d->weight, "health", health_name(s->health), "since",
                     (json_int_t)s->since_ms, "host", s->host, "maintenance", s->maintenance);
}

static json_t *port_of(int32_t port)
{
    return port < 0 ? json_null() : json_integer(port);
}

char *layout_write(const struct definition *d, const struct standing *s)
{
    json_t *instance = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:n}", "name", d->service, "id", d->id,
                                 "address", d->address, "port", port_of(d->port), "sslPort", port_of(d->ssl_port),
                                 "payload", payload_of(d, s), "registrationTimeUTC", (json_int_t)s->registered_ms,
                                 "serviceType", "DYNAMIC", "uriSpec");
    bool enabled = s->health != HEALTH_CRITICAL && s->maintenance == NULL;
    char *text = NULL;
    if (instance != NULL && (s->compatible || json_object_set_new(instance, "enabled", json_boolean(enabled)) == 0))
        text = json_dumps(instance, JSON_COMPACT);
    json_decref(instance);
    return text;
}
