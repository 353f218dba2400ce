/* Runs native modules on batches from a file: `driver JOBS ANSWERS`. The same source for x86_64 and, under qemu, aarch64.
 *
 * Written from docs/native-abi.md alone. All numbers little-endian; every section is padded to 8 bytes.
 *
 * JOBS     per job: path (256 bytes), symbol (64 bytes), u64 n, inputs, outputs, slots, max_rows, batch
 *          per input: u64 kind (0 bytes, 1 eight-byte values, 2 one-byte values), u64 arena length, values, arena
 *          per output: u64 item size (16: a span), u64 optional
 *          with slots: first state, then for each input the state to go on with where it is declined
 * ANSWERS  per job: u64 rows, codes (n bytes), src (rows u4)
 *          per output: values, or lengths (rows u8) and the bytes after each other; validity bits where optional
 *          with slots: the state after each input
 *
 * Rows come in calls of `batch` inputs, so that a full output is part of the test; with STATE in calls of one input.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 64, SPAN = 16, DECLINED = 200, FUEL = 201 };

struct alloy_input { const void *values; const uint8_t *arena; uint64_t arena_len; };
struct alloy_output { void *values; uint8_t *validity; };
struct alloy_span { const uint8_t *at; uint64_t len; };
struct alloy_batch {
    uint64_t n, first;
    const struct alloy_input *inputs;
    struct alloy_output *outputs;
    uint64_t rows_max;
    uint32_t *src;
    uint8_t *codes;
    uint64_t *state;
    uint64_t rows, answered;
};
typedef uint64_t (*entry_t)(struct alloy_batch *);

/* What Python would give the module; its initialisation is never called here. */
#define STUB(name) void name(void) { abort(); }
#include "stubs.h"

static void fail(const char *what, const char *which) {
    fprintf(stderr, "driver: %s: %s\n", what, which);
    exit(1);
}

static void *room(uint64_t size) {
    void *made = calloc(1, size + 8);
    if (!made) fail("memory", "calloc");
    return made;
}

static void take(FILE *from, void *to, uint64_t size) {
    char pad[8];
    if (fread(to, 1, size, from) != size || fread(pad, 1, -size & 7, from) != (-size & 7)) fail("short job", "");
}

static void give(FILE *to, const void *from, uint64_t size) {
    static const char pad[8];
    if (fwrite(from, 1, size, to) != size || fwrite(pad, 1, -size & 7, to) != (-size & 7)) fail("short answer", "");
}

static entry_t find(const char *path, const char *symbol) {
    void *module = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (!module) fail("dlopen", dlerror());
    void *entry = dlsym(module, symbol);
    if (!entry) fail("dlsym", symbol);
    return (entry_t)entry;
}

static void run(FILE *jobs, FILE *answers) {
    char path[256], symbol[64];
    uint64_t head[6], pair[2];
    struct alloy_input inputs[MAX_COLUMNS];
    struct alloy_output outputs[MAX_COLUMNS];
    uint64_t item[MAX_COLUMNS], optional[MAX_COLUMNS];
    take(jobs, path, sizeof path);
    take(jobs, symbol, sizeof symbol);
    take(jobs, head, sizeof head);
    const uint64_t n = head[0], in = head[1], out = head[2], slots = head[3], max_rows = head[4], batch = head[5];
    if (in > MAX_COLUMNS || out > MAX_COLUMNS) fail("columns", symbol);
    for (uint64_t k = 0; k < in; k++) {
        take(jobs, pair, sizeof pair);
        uint64_t size = pair[0] == 0 ? 4 * (n + 1) : pair[0] == 1 ? 8 * n : n;
        void *values = room(size), *arena = room(pair[1]);
        take(jobs, values, size);
        take(jobs, arena, pair[1]);
        inputs[k] = (struct alloy_input){values, arena, pair[1]};
    }
    const uint64_t most = n * max_rows;
    for (uint64_t k = 0; k < out; k++) {
        take(jobs, pair, sizeof pair);
        item[k] = pair[0];
        optional[k] = pair[1];
        outputs[k] = (struct alloy_output){room(most * item[k]), optional[k] ? memset(room(most / 8 + 1), 0x5a, most / 8 + 1) : NULL};
    }
    uint64_t *state = slots ? room(8 * slots) : NULL, *instead = room(8 * slots * n), *after = room(8 * slots * n);
    take(jobs, state, 8 * slots);
    take(jobs, instead, 8 * slots * n);
    entry_t entry = find(path, symbol);
    struct alloy_batch call = {0, 0, inputs, outputs, 0, room(4 * most), room(n), state, 0, 0};
    while (call.first < n) {
        uint64_t rows = call.rows, set = 0;
        call.n = slots ? call.first + 1 : call.first + batch < n ? call.first + batch : n;
        call.rows_max = call.rows + batch + max_rows < most ? call.rows + batch + max_rows : most;
        uint64_t bad = entry(&call);
        for (uint64_t i = call.first; i < call.answered; i++) set += call.codes[i] != 0;
        if (bad != set || call.answered <= call.first || call.answered > call.n || call.rows < rows ||
            call.rows > call.rows_max)
            fail("the entry breaks its contract", symbol);
        for (uint64_t i = call.first; slots && i < call.answered; i++) {
            if (call.codes[i] == DECLINED || call.codes[i] == FUEL) memcpy(state, instead + slots * i, 8 * slots);
            memcpy(after + slots * i, state, 8 * slots);
        }
        call.first = call.answered;
    }
    give(answers, &call.rows, 8);
    give(answers, call.codes, n);
    give(answers, call.src, 4 * call.rows);
    for (uint64_t k = 0; k < out; k++) {
        if (item[k] == SPAN) {
            const struct alloy_span *spans = outputs[k].values;
            uint64_t total = 0, *lengths = room(8 * call.rows);
            for (uint64_t r = 0; r < call.rows; r++) total += lengths[r] = spans[r].len;
            give(answers, lengths, 8 * call.rows);
            uint8_t *bytes = room(total), *at = bytes;
            for (uint64_t r = 0; r < call.rows; at += spans[r].len, r++)
                if (spans[r].len) memcpy(at, spans[r].at, spans[r].len);
            give(answers, bytes, total);
            free(lengths);
            free(bytes);
        } else {
            give(answers, outputs[k].values, item[k] * call.rows);
        }
        if (optional[k]) give(answers, outputs[k].validity, (call.rows + 7) / 8);
        free(outputs[k].values);
        free(outputs[k].validity);
    }
    give(answers, after, 8 * slots * n);
    for (uint64_t k = 0; k < in; k++) {
        free((void *)inputs[k].values);
        free((void *)inputs[k].arena);
    }
    free(call.src);
    free(call.codes);
    free(state);
    free(instead);
    free(after);
}

int main(int argc, char **argv) {
    if (argc != 3) fail("usage", "driver JOBS ANSWERS");
    FILE *jobs = fopen(argv[1], "rb"), *answers = fopen(argv[2], "wb");
    if (!jobs || !answers) fail("open", argv[1]);
    for (int next; (next = fgetc(jobs)) != EOF;) {
        ungetc(next, jobs);
        run(jobs, answers);
    }
    return fclose(answers) ? 1 : 0;
}
