/* config_memory_test.c - each allocation fails while the settings of plugins are read: nothing leaks, nothing is half
 * read, and whoever asked is told. */
/* link: -Wl,@tests/support/failing_malloc.flags */
#include "plugins/host/config_host.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>
#include <sys/stat.h>

struct files {
    char *directory, *common, *folder, *plugin;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct files *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->directory = tmp_make();
    f->common = tmp_join(f->directory, "plugins.conf");
    f->folder = tmp_join(f->directory, "plugins.d");
    assert_int_equal(mkdir(f->folder, 0700), 0);
    f->plugin = tmp_join(f->folder, "a.conf");
    write_file(f->common, "socket = \"/s\"; state_dir = \"/d\"; host_name = \"h\"; plugin_path = [ \"/p\", \"/q\" ];\n"
                          "limits = { memory_mb = 64; };\n");
    write_file(f->plugin, "plugin = \"/usr/lib/a.so\"; group = \"g\"; grants = [ \"files\" ];\n"
                          "settings = { list = ( 1, { a = [ 1.5, 2.5 ]; } ); text = \"x\"; yes = true; };\n");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct files *f = *state;
    free(f->common);
    free(f->folder);
    free(f->plugin);
    tmp_remove(f->directory);
    free(f);
    return 0;
}

/* True: all of it was there. */
static bool read_all(const struct files *f)
{
    char *why = NULL, *found = NULL, *place = NULL;
    struct plugin_config *plugin = NULL;
    struct host_config *common = host_config_read(f->common, &why);
    char **names = common == NULL ? NULL : host_config_names(common, &why);
    if (names != NULL && names[0] != NULL)
        plugin = host_config_plugin(common, names[0], &why);
    if (plugin != NULL) {
        found = host_config_find(common, plugin->plugin, &why);
        place = plugin_config_place(plugin, "list.[1].a");
    }
    bool good = found != NULL && place != NULL;
    if (good) {
        assert_string_equal(plugin->settings, "{\"list\":[1,{\"a\":[1.5,2.5]}],\"text\":\"x\",\"yes\":true}");
        assert_non_null(strstr(place, "a.conf:2: "));
        assert_int_equal(plugin->limits.memory_mb, 64);
        assert_string_equal(plugin->host_name, "h");
    }
    free(why);
    free(found);
    free(place);
    plugin_config_free(plugin);
    host_config_names_free(names);
    host_config_free(common);
    return good;
}

static void test_settings(void **state)
{
    for (int count = 0; count < 1000; count++) {
        malloc_fail_once_after(count);
        bool good = read_all(*state), has_failed = malloc_has_failed();
        malloc_fail_after(-1);
        assert_int_equal(good, !has_failed);
        if (!has_failed)
            return;
    }
    fail_msg("it is never enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
