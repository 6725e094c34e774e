/* pool.c - classes of blocks, runs of blocks of one class, regions of runs.
 *
 * A run is aligned to its size, so a block's address tells its run. Memory is touched in the order in which it is
 * handed out, so a region that is not used up takes no more than it gives. */
#include "core/base/pool.h"

#include "core/base/mem.h"

#include <string.h>

/* To the address sanitizer a block that is free is memory of nobody. */
#if defined __SANITIZE_ADDRESS__
#define POISONS 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif
#ifdef POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum {
    RUN_BYTES = 32 * 1024,
    REGION_RUNS_MIN = 4, /* as large as all before it together, within these bounds */
    REGION_RUNS_MAX = 128,
};

/* Vacant runs are linked through `link`, those with room as well. Offsets are from the run's own address. */
struct run {
    struct list link;
    struct region *region;
    uint16_t block_bytes, used;
    uint16_t vacant; /* a freed block, whose first bytes say where the next one is; 0: none */
    uint16_t unused; /* from here on nothing was ever handed out */
};
static_assert(sizeof(struct run) % POOL_STEP == 0 && RUN_BYTES < UINT16_MAX, "blocks are aligned, offsets fit");

struct region {
    struct list link;
    struct list vacant; /* runs that have been in use */
    uint8_t *runs;
    uint32_t run_count, used, unused; /* runs; `unused`: from here on never handed out */
};

static size_t class_of(size_t size)
{
    return size == 0 ? 0 : (size - 1) / POOL_STEP;
}

void pool_init(struct pool *p)
{
    for (size_t i = 0; i < POOL_CLASSES; i++)
        list_init(&p->open[i]);
    list_init(&p->regions);
    p->run_count = 0;
}

/* -- regions ------------------------------------------------------------------------------------------------------ */

static bool has_room(const struct list *link)
{
    const struct region *region = LIST_ENTRY(link, struct region, link);
    return region->used < region->run_count;
}

static struct region *region_new(struct pool *p)
{
    uint32_t count = p->run_count < REGION_RUNS_MIN ? REGION_RUNS_MIN : p->run_count;
    count = count > REGION_RUNS_MAX ? REGION_RUNS_MAX : count;
    struct region *region = mem_alloc(sizeof *region + (count + (size_t)1) * RUN_BYTES);
    if (region == NULL)
        return NULL;
    uintptr_t runs = ((uintptr_t)(region + 1) + RUN_BYTES - 1) & ~(uintptr_t)(RUN_BYTES - 1);
    *region = (struct region){.runs = (uint8_t *)runs, .run_count = count};
    list_init(&region->vacant);
    list_insert_after(&p->regions, &region->link);
    p->run_count += count;
    return region;
}

static void region_free(struct pool *p, struct region *region)
{
    p->run_count -= region->run_count;
    list_remove(&region->link);
    ASAN_UNPOISON_MEMORY_REGION(region->runs, (size_t)region->run_count * RUN_BYTES);
    mem_free(region);
}

void pool_close(struct pool *p)
{
    LIST_FOR_EACH(at, &p->regions)
    region_free(p, LIST_ENTRY(at, struct region, link));
    pool_init(p);
}

/* -- runs --------------------------------------------------------------------------------------------------------- */

static struct run *run_of(void *block)
{
    return (struct run *)((uintptr_t)block & ~(uintptr_t)(RUN_BYTES - 1));
}

static bool is_full(const struct run *run)
{
    return run->vacant == 0 && run->unused + run->block_bytes > RUN_BYTES;
}

static struct run *vacant_run(struct region *region)
{
    if (list_is_empty(&region->vacant))
        return (struct run *)(void *)(region->runs + (size_t)region->unused++ * RUN_BYTES);
    struct run *run = LIST_ENTRY(region->vacant.next, struct run, link);
    list_remove(&run->link);
    return run;
}

static struct run *run_new(struct pool *p, size_t class)
{
    struct region *region = LIST_ENTRY(p->regions.next, struct region, link);
    if (list_is_empty(&p->regions) || !has_room(&region->link))
        region = region_new(p);
    if (region == NULL)
        return NULL;
    struct run *run = vacant_run(region);
    *run = (struct run){
        .region = region, .block_bytes = (uint16_t)((class + 1) * POOL_STEP), .unused = sizeof(struct run)};
    ASAN_POISON_MEMORY_REGION(run + 1, RUN_BYTES - sizeof *run);
    list_insert_after(&p->open[class], &run->link);
    if (++region->used == region->run_count) {
        list_remove(&region->link);
        list_append(&p->regions, &region->link);
    }
    return run;
}

/* One empty region is kept, so that one block that comes and goes does not cost a region each time. */
static void run_free(struct pool *p, struct run *run)
{
    struct region *region = run->region;
    list_remove(&run->link);
    list_insert_after(&region->vacant, &run->link);
    region->used--;
    list_remove(&region->link);
    bool is_spare = !list_is_empty(&p->regions) && has_room(p->regions.next);
    list_insert_after(&p->regions, &region->link);
    if (region->used == 0 && is_spare)
        region_free(p, region);
}

/* -- blocks ------------------------------------------------------------------------------------------------------- */

void *pool_alloc(struct pool *p, size_t size)
{
    if (size > POOL_BLOCK_MAX)
        return mem_alloc(size);
    size_t class = class_of(size);
    struct list *open = &p->open[class];
    struct run *run = list_is_empty(open) ? run_new(p, class) : LIST_ENTRY(open->next, struct run, link);
    if (run == NULL)
        return NULL;
    uint8_t *block = (uint8_t *)run + (run->vacant != 0 ? run->vacant : run->unused);
    ASAN_UNPOISON_MEMORY_REGION(block, run->block_bytes);
    if (run->vacant != 0)
        memcpy(&run->vacant, block, sizeof run->vacant);
    else
        run->unused = (uint16_t)(run->unused + run->block_bytes);
    run->used++;
    if (is_full(run))
        list_remove(&run->link);
    return block;
}

void pool_free(struct pool *p, void *block, size_t size)
{
    if (block == NULL || size > POOL_BLOCK_MAX) {
        mem_free(block);
        return;
    }
    struct run *run = run_of(block);
    DCHECK(run->block_bytes == (class_of(size) + 1) * POOL_STEP);
    if (is_full(run))
        list_insert_after(&p->open[class_of(size)], &run->link);
    memcpy(block, &run->vacant, sizeof run->vacant);
    ASAN_POISON_MEMORY_REGION(block, run->block_bytes);
    run->vacant = (uint16_t)((uint8_t *)block - (uint8_t *)run);
    if (--run->used == 0)
        run_free(p, run);
}
