/* epochs_fuzz.c - any bytes as the two epoch files: damage that is named, or numbers and a verdict. */
#include "core/base/check.h"
#include "core/store/epochs.h"
#include "tests/support/disk_sim.h"

#define DIR "/data"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk_sim *disk = disk_sim_new();
    struct epochs epochs, repaired;
    struct findings findings = {0};
    size_t first = size < 2 ? 0 : data[0] % (size - 1);
    disk_sim_make_dir(disk, DIR);
    if (size > 1) {
        disk_sim_put(disk, DIR "/acceptedEpoch", bytes_make(data + 1, first));
        disk_sim_put(disk, DIR "/currentEpoch", bytes_make(data + 1 + first, size - 1 - first));
    }
    enum status st = epochs_read(disk_sim_io(disk), DIR, &epochs, &findings);
    CHECK(st == ST_OK || (st == ST_CORRUPT && findings.count > 0));
    if (st == ST_OK) {
        enum epochs_verdict verdict;
        CHECK(!epochs.has_accepted || epochs.accepted >= 0);
        CHECK(!epochs.has_current || epochs.current >= 0);
        CHECK(epochs_judge(&epochs, DIR, 0x500000001, &verdict, &repaired, &findings) == ST_OK);
        CHECK((verdict == EPOCHS_SOUND) == (findings.count == 0));
        CHECK(verdict == EPOCHS_CONTRARY || repaired.accepted >= repaired.current);
    }
    findings_free(&findings);
    disk_sim_free(disk);
    return 0;
}
