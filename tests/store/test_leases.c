/* SPDX-License-Identifier: Apache-2.0
 * test_leases.c - who may send for a number: taking, renewing, challenging, fencing, releasing.
 *
 * What would hurt: two lives of the program that send under one epoch, a holder that lives and loses its number, one that
 * is dead and keeps it, a frozen one that wakes up and goes on sending. */
#include "store_fixture.h"

#include "store/leases.h"

#define ANA  1001
#define BELA 1002
#define CARO 1003

static int64_t take(struct fx *f, int64_t sender, int64_t owner)
{
    int64_t epoch = 0;
    BEGIN(f);
    OK(f, lease_take(f->s, sender, owner, NOW, &epoch, &f->e));
    COMMIT(f);
    return epoch;
}

static void renew(struct fx *f, int64_t owner)
{
    BEGIN(f);
    OK(f, leases_renew(f->s, owner, NULL, 0, &f->e));
    COMMIT(f);
}

static int challenge(struct fx *f, const struct lease *seen, int64_t owner, int64_t *ret_epoch)
{
    BEGIN(f);
    int rc = lease_challenge(f->s, seen, owner, NOW, ret_epoch, &f->e);
    COMMIT(f); /* a challenge that failed has written nothing: what else the transaction did stays */
    return rc;
}

static struct lease look(struct fx *f, int64_t sender)
{
    struct lease *all = NULL;
    size_t n = 0;
    OK(f, leases_list(f->s, f->a, &all, &n, &f->e));
    for (size_t i = 0; i < n; i++)
        if (all[i].sender == sender)
            return all[i];
    fail_msg("number %lld has no lease", (long long)sender);
    return (struct lease){.sender = 0};
}

TEST(a_new_owner_gets_a_higher_epoch)
{
    struct fx f;
    fx_start(&f);
    int64_t first = take(&f, SENDER, ANA);
    assert_true(first > 0);
    assert_true(take(&f, SENDER, ANA) == first); /* keeps */
    assert_true(take(&f, 7, ANA) == first);      /* one life, one epoch */
    int64_t second = take(&f, SENDER, BELA);
    assert_true(second > first);
    assert_true(take(&f, 8, BELA) == second);
    assert_true(take(&f, 7, BELA) == second);
    assert_true(take(&f, SENDER, ANA) > second); /* taken back: the time between is fenced too */
    fx_reopen(&f);
    int64_t third = take(&f, 8, CARO);
    assert_true(third > second + 1);
    assert_true(take(&f, SENDER, CARO) == third);
    fx_end(&f);
}

TEST(every_taking_and_every_renewal_moves_the_beat)
{
    struct fx f;
    struct lease *all = NULL;
    size_t n = 9;
    fx_start(&f);
    OK(&f, leases_list(f.s, f.a, &all, &n, &f.e));
    assert_int_equal(n, 0);
    int64_t ana = take(&f, 7, ANA), bela = take(&f, 8, BELA);
    take(&f, 9, ANA);
    OK(&f, leases_list(f.s, f.a, &all, &n, &f.e));
    assert_true(n == 3 && all[0].sender == 7 && all[1].sender == 8 && all[2].sender == 9);
    assert_true(all[0].owner == ANA && all[0].epoch == ana && all[0].watermark == 0);
    assert_true(all[1].owner == BELA && all[1].epoch == bela);
    struct lease before[3] = {all[0], all[1], all[2]};
    renew(&f, ANA);
    assert_true(look(&f, 7).beat > before[0].beat && look(&f, 9).beat > before[2].beat);
    assert_true(look(&f, 8).beat == before[1].beat); /* somebody else's */
    take(&f, 8, ANA);
    assert_true(look(&f, 8).beat > before[1].beat);
    fx_end(&f);
}

TEST(a_challenge_succeeds_only_while_nothing_has_moved)
{
    struct fx f;
    int64_t epoch = -1;
    fx_start(&f);
    int64_t ana = take(&f, SENDER, ANA);
    struct lease seen = look(&f, SENDER);
    renew(&f, ANA);
    assert_int_equal(challenge(&f, &seen, BELA, &epoch), WL_ECONFLICT); /* the beat moved: it lives */
    assert_true(epoch == -1);
    OK(&f, lease_fence(f.s, SENDER, ANA, ana, &f.e));
    seen = look(&f, SENDER);
    take(&f, SENDER, CARO);
    assert_int_equal(challenge(&f, &seen, BELA, &epoch), WL_ECONFLICT); /* the epoch changed: somebody was faster */
    assert_true(epoch == -1 && look(&f, SENDER).owner == CARO);
    struct lease wrong[3] = {look(&f, SENDER), look(&f, SENDER), look(&f, SENDER)};
    wrong[0].epoch = ana;
    wrong[1].owner = ANA;
    wrong[2].sender++; /* nobody's number: there is nothing to challenge */
    for (int i = 0; i < 3; i++)
        assert_int_equal(challenge(&f, &wrong[i], BELA, &epoch), WL_ECONFLICT);
    seen = look(&f, SENDER);
    OK(&f, challenge(&f, &seen, BELA, &epoch));
    assert_true(epoch > seen.epoch && look(&f, SENDER).owner == BELA && look(&f, SENDER).epoch == epoch);
    assert_true(look(&f, SENDER).beat != seen.beat);
    assert_int_equal(challenge(&f, &seen, CARO, &epoch), WL_ECONFLICT); /* of two challengers one wins */
    fx_end(&f);
}

TEST(a_challenger_goes_on_under_its_own_epoch_unless_that_is_too_low)
{
    struct fx f;
    int64_t epoch = 0;
    fx_start(&f);
    take(&f, 7, ANA);
    int64_t bela = take(&f, 8, BELA);
    struct lease seen = look(&f, 7);
    OK(&f, challenge(&f, &seen, BELA, &epoch));
    assert_true(epoch == bela); /* Ana's was lower: Bela's fences her already */
    int64_t caro = take(&f, 9, CARO);
    seen = look(&f, 9);
    OK(&f, challenge(&f, &seen, BELA, &epoch));
    assert_true(epoch > caro);
    fx_end(&f);
}

/* It was frozen, its numbers were taken over, and it wakes up. */
TEST(a_zombie_is_fenced)
{
    struct fx f;
    int64_t bela = 0;
    fx_start(&f);
    int64_t ana = take(&f, SENDER, ANA);
    assert_true(take(&f, 7, ANA) == ana);
    OK(&f, lease_fence(f.s, SENDER, ANA, ana, &f.e));
    struct lease seen = look(&f, SENDER);
    OK(&f, challenge(&f, &seen, BELA, &bela));
    assert_int_equal(lease_fence(f.s, SENDER, ANA, ana, &f.e), WL_ECONFLICT);
    struct lease before = look(&f, SENDER);
    struct watermark late[] = {{SENDER, NOW + 5}, {7, NOW + 6}};
    BEGIN(&f);
    OK(&f, leases_renew(f.s, ANA, late, 2, &f.e)); /* 0: what it still holds is renewed */
    COMMIT(&f);
    struct lease after = look(&f, SENDER);
    assert_true(after.owner == BELA && after.beat == before.beat && after.epoch == bela && after.watermark == 0);
    assert_true(look(&f, 7).watermark == NOW + 6);
    assert_int_equal(lease_fence(f.s, SENDER, ANA, ana, &f.e), WL_ECONFLICT);
    OK(&f, lease_fence(f.s, 7, ANA, ana, &f.e));
    OK(&f, lease_fence(f.s, SENDER, BELA, bela, &f.e));
    BEGIN(&f);
    OK(&f, leases_release(f.s, ANA, &f.e)); /* nor does its end take the number from Bela */
    COMMIT(&f);
    OK(&f, lease_fence(f.s, SENDER, BELA, bela, &f.e));
    /* the same owner under another epoch, a number nobody ever held */
    assert_int_equal(lease_fence(f.s, SENDER, BELA, bela - 1, &f.e), WL_ECONFLICT);
    assert_int_equal(lease_fence(f.s, SENDER, BELA, bela + 1, &f.e), WL_ECONFLICT);
    assert_int_equal(lease_fence(f.s, 4711, BELA, bela, &f.e), WL_ECONFLICT);
    fx_end(&f);
}

TEST(an_orderly_end_lets_another_take_at_once)
{
    struct fx f;
    int64_t epoch = 0;
    fx_start(&f);
    int64_t ana = take(&f, SENDER, ANA), bela = take(&f, 8, BELA);
    take(&f, 7, ANA);
    struct lease seen = look(&f, SENDER);
    BEGIN(&f);
    OK(&f, leases_release(f.s, ANA, &f.e));
    COMMIT(&f);
    assert_true(look(&f, SENDER).owner == 0 && look(&f, 7).owner == 0);
    assert_int_equal(lease_fence(f.s, SENDER, ANA, ana, &f.e), WL_ECONFLICT); /* it holds nothing any more */
    OK(&f, lease_fence(f.s, 8, BELA, bela, &f.e));
    assert_int_equal(challenge(&f, &seen, CARO, &epoch), WL_ECONFLICT); /* seen before the end */
    seen = look(&f, SENDER);
    OK(&f, challenge(&f, &seen, CARO, &epoch));
    assert_true(epoch > ana && epoch > bela);
    assert_int_equal(challenge(&f, &seen, BELA, &epoch), WL_ECONFLICT); /* of two who saw it one gets it */
    assert_true(take(&f, 7, ANA) > epoch);                              /* back again: a new epoch like anybody's */
    fx_end(&f);
}

TEST(watermarks_rise_and_outlive_their_owner)
{
    struct fx f;
    int64_t epoch = 0;
    fx_start(&f);
    take(&f, SENDER, ANA);
    take(&f, 7, ANA);
    take(&f, 8, BELA);
    struct watermark w[] = {{SENDER, NOW - 9}, {8, NOW - 9}, {4711, NOW - 9}};
    BEGIN(&f);
    OK(&f, leases_renew(f.s, ANA, w, 3, &f.e));
    COMMIT(&f);
    assert_true(look(&f, SENDER).watermark == NOW - 9 && look(&f, 7).watermark == 0 && look(&f, 8).watermark == 0);
    w[0].at = NOW - 10; /* an older word */
    BEGIN(&f);
    OK(&f, leases_renew(f.s, ANA, w, 1, &f.e));
    COMMIT(&f);
    renew(&f, ANA);
    assert_true(look(&f, SENDER).watermark == NOW - 9);
    struct lease seen = look(&f, SENDER);
    OK(&f, challenge(&f, &seen, BELA, &epoch));
    assert_true(look(&f, SENDER).watermark == NOW - 9);
    take(&f, SENDER, CARO);
    assert_true(look(&f, SENDER).watermark == NOW - 9);
    fx_end(&f);
}

/* The clock was ahead when it was written, and is right again: later it would vouch for what nobody has seen. */
TEST(a_watermark_of_the_future_is_forgotten)
{
    struct fx f;
    int64_t epoch = 0;
    fx_start(&f);
    const struct watermark w[] = {{SENDER, NOW + 7200000}, {7, NOW}};
    for (int challenged = 0; challenged < 2; challenged++) {
        take(&f, SENDER, ANA);
        take(&f, 7, ANA);
        BEGIN(&f);
        OK(&f, leases_renew(f.s, ANA, w, 2, &f.e));
        COMMIT(&f);
        struct lease seen = look(&f, SENDER);
        assert_true(seen.watermark == NOW + 7200000);
        if (challenged)
            OK(&f, challenge(&f, &seen, BELA, &epoch));
        else
            take(&f, SENDER, BELA);
        take(&f, 7, BELA);
        assert_true(look(&f, SENDER).watermark == 0);
        assert_true(look(&f, 7).watermark == NOW);
    }
    fx_end(&f);
}

static bool remembers(struct fx *f, const struct lane_memory *m)
{
    struct lease l = look(f, SENDER);
    return memcmp(&l.memory, m, sizeof *m) == 0;
}

TEST(what_a_lane_has_to_know_outlives_its_owner_and_only_the_owner_writes_it)
{
    struct fx f;
    static const struct lane_memory none, stop = {NOW + 9, 3600000, 131048, 56000, 76000, 20000};
    fx_start(&f);
    take(&f, SENDER, ANA);
    assert_true(remembers(&f, &none));
    BEGIN(&f);
    OK(&f, lease_remember(f.s, SENDER, BELA, &stop, &f.e));
    OK(&f, lease_remember(f.s, 4711, ANA, &stop, &f.e));
    COMMIT(&f);
    assert_true(remembers(&f, &none));
    BEGIN(&f);
    OK(&f, lease_remember(f.s, SENDER, ANA, &stop, &f.e));
    OK(&f, leases_release(f.s, ANA, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    take(&f, SENDER, BELA);
    assert_true(remembers(&f, &stop));
    BEGIN(&f);
    OK(&f, lease_remember(f.s, SENDER, BELA, &none, &f.e));
    COMMIT(&f);
    assert_true(remembers(&f, &none));
    fx_end(&f);
}

TESTS(T(a_new_owner_gets_a_higher_epoch), T(every_taking_and_every_renewal_moves_the_beat),
      T(a_challenge_succeeds_only_while_nothing_has_moved),
      T(a_challenger_goes_on_under_its_own_epoch_unless_that_is_too_low), T(a_zombie_is_fenced),
      T(an_orderly_end_lets_another_take_at_once), T(watermarks_rise_and_outlive_their_owner),
      T(a_watermark_of_the_future_is_forgotten),
      T(what_a_lane_has_to_know_outlives_its_owner_and_only_the_owner_writes_it))
