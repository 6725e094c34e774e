/* check.c - see check.h */
#include "plugins/health/check.h"

#include <stdlib.h>
#include <string.h>

struct check *check_new(struct health *health, struct definition *definition, uint64_t wall_ms)
{
    struct check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return NULL;
    check->health = health;
    check->definition = definition;
    check->owner = -1;
    check->watched.descriptor = -1;
    check->state.status = (enum check_status)definition->initial;
    check->state.since_ms = wall_ms;
    return check;
}

void check_free(struct check *check)
{
    if (check == NULL)
        return;
    definition_free(check->definition);
    free(check->output);
    free(check->waiting);
    free(check);
}

/* The place of the first check whose id is not before `id`. */
static size_t place_of(const struct checks *checks, const char *id)
{
    size_t low = 0, high = checks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(checks->rows[middle]->definition->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct check *checks_find(const struct checks *checks, const char *id)
{
    size_t place = place_of(checks, id);
    bool found = place < checks->count && strcmp(checks->rows[place]->definition->id, id) == 0;
    return found ? checks->rows[place] : NULL;
}

bool checks_add(struct checks *checks, struct check *check)
{
    if (checks->count == checks->capacity) {
        size_t capacity = checks->capacity == 0 ? 64 : checks->capacity * 2;
        struct check **rows = realloc(checks->rows, capacity * sizeof(struct check *));
        if (rows == NULL)
            return false;
        checks->rows = rows;
        checks->capacity = capacity;
    }
    size_t place = place_of(checks, check->definition->id);
    memmove(&checks->rows[place + 1], &checks->rows[place], (checks->count - place) * sizeof(struct check *));
    checks->rows[place] = check;
    checks->count++;
    return true;
}

void checks_remove(struct checks *checks, const struct check *check)
{
    size_t place = place_of(checks, check->definition->id);
    if (place == checks->count || checks->rows[place] != check)
        return;
    checks->count--;
    memmove(&checks->rows[place], &checks->rows[place + 1], (checks->count - place) * sizeof(struct check *));
}
