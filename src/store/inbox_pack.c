/* SPDX-License-Identifier: Apache-2.0
 * inbox_pack.c - webhook bodies made small with zstd and a dictionary of what they all say.
 *
 * A body is some hundred bytes of which most are the same in every body, so each is packed by itself against a dictionary
 * of typical ones (inbox.zdict, made by tools/inbox-dictionary) at zstd's level 1: a quarter of the size for one or two
 * microseconds, and any body can be read, changed or dropped without its neighbours. The dictionary is a part of the
 * format: it stays as it is, and a better one is another form. How large a body will be is read from its frame and
 * compared with the limit before memory is taken. */
#include "store/inbox_pack.h"

#include <stdlib.h>
#include <zstd.h>

#include "store/inbox.h"
#include "store/store_inbox_dictionary.h"

#define LEVEL       1
#define KEPT_MEMORY (256u << 10) /* more than this is given back after each body */

/* Each half is made by the first call that needs it: readers never pack. */
struct body_packer {
    ZSTD_CCtx *packing;
    ZSTD_CDict *packing_words;
    ZSTD_DCtx *unpacking;
    ZSTD_DDict *unpacking_words;
    struct buf out;
};

void body_packer_free(struct body_packer *p)
{
    if (p == NULL)
        return;
    ZSTD_freeCCtx(p->packing);
    ZSTD_freeCDict(p->packing_words);
    ZSTD_freeDCtx(p->unpacking);
    ZSTD_freeDDict(p->unpacking_words);
    buf_done(&p->out);
    free(p);
}

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory");
}

static int packer_of(struct body_packer **p, struct err *e)
{
    if (*p != NULL)
        return 0;
    struct body_packer *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return no_memory(e);
    buf_init(&fresh->out, ZSTD_COMPRESSBOUND(INBOX_BODY_MAX));
    *p = fresh;
    return 0;
}

static int for_packing(struct body_packer **p, struct err *e)
{
    int rc = packer_of(p, e);
    if (rc != 0 || (*p)->packing != NULL)
        return rc;
    struct body_packer *b = *p;
    if (b->packing_words == NULL)
        b->packing_words = ZSTD_createCDict(inbox_dictionary, sizeof inbox_dictionary - 1, LEVEL);
    if (b->packing_words != NULL)
        b->packing = ZSTD_createCCtx();
    return b->packing != NULL ? 0 : no_memory(e);
}

static int for_unpacking(struct body_packer **p, struct err *e)
{
    int rc = packer_of(p, e);
    if (rc != 0 || (*p)->unpacking != NULL)
        return rc;
    struct body_packer *b = *p;
    if (b->unpacking_words == NULL)
        b->unpacking_words = ZSTD_createDDict(inbox_dictionary, sizeof inbox_dictionary - 1);
    if (b->unpacking_words != NULL)
        b->unpacking = ZSTD_createDCtx();
    return b->unpacking != NULL ? 0 : no_memory(e);
}

int body_pack(struct body_packer **p, struct str body, struct str *ret, enum body_form *ret_form, struct err *e)
{
    int rc = for_packing(p, e);
    if (rc != 0)
        return rc;
    struct buf *out = &(*p)->out;
    if (out->cap > KEPT_MEMORY)
        buf_done(out);
    buf_clear(out);
    if (body.n > INBOX_BODY_MAX)
        return err_set(e, WL_ETOOBIG, "a webhook body of %zu bytes", body.n);
    if (!buf_reserve(out, ZSTD_compressBound(body.n)))
        return no_memory(e);
    size_t n = ZSTD_compress_usingCDict((*p)->packing, out->data, ZSTD_compressBound(body.n), body.n > 0 ? body.p : "",
                                        body.n, (*p)->packing_words);
    if (ZSTD_isError(n))
        return err_set(e, WL_ENOMEM, "a webhook body cannot be packed: %s", ZSTD_getErrorName(n));
    *ret_form = n < body.n ? BODY_PACKED : BODY_AS_IT_CAME;
    *ret = n < body.n ? (struct str){out->data, n} : body;
    return 0;
}

static int damaged(struct err *e)
{
    return err_set(e, WL_EIO, "database: a webhook body is damaged");
}

static int unpack(struct body_packer *p, struct str kept, struct arena *a, struct str *ret, struct err *e)
{
    unsigned long long n = ZSTD_getFrameContentSize(kept.p, kept.n);
    if (n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR || n > INBOX_BODY_MAX)
        return damaged(e);
    char *body = arena_alloc(a, (size_t)n + 1);
    if (body == NULL)
        return err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
    size_t got = ZSTD_decompress_usingDDict(p->unpacking, body, (size_t)n, kept.p, kept.n, p->unpacking_words);
    if (ZSTD_isError(got) || got != n)
        return damaged(e);
    *ret = (struct str){body, (size_t)n};
    return 0;
}

int body_unpack(struct body_packer **p, int form, struct str kept, struct arena *a, struct str *ret, struct err *e)
{
    if (form == BODY_PACKED) {
        int rc = for_unpacking(p, e);
        return rc != 0 ? rc : unpack(*p, kept, a, ret, e);
    }
    if (form != BODY_AS_IT_CAME)
        return err_set(e, WL_EIO, "database: a webhook body is kept in a form this program does not know");
    if (kept.n > INBOX_BODY_MAX)
        return damaged(e);
    char *body = arena_strndup(a, kept.n > 0 ? kept.p : "", kept.n);
    if (body == NULL)
        return err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
    *ret = (struct str){body, kept.n};
    return 0;
}
