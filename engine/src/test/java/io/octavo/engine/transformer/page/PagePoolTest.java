package io.octavo.engine.transformer.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagePoolTest {

    private static final int PAGE = 4;

    private static int[] tokens(int... tokens) {
        return tokens;
    }

    /** A holder of all pages of a context, published. */
    private static PagePool.Holder filled(PagePool pool, int... tokens) {
        PagePool.Holder holder = pool.newHolder();
        int held = holder.reuse(tokens, tokens.length);
        for (; held < tokens.length; held += PAGE) {
            assertThat(holder.add()).isTrue();
        }
        holder.publish(tokens, tokens.length);
        return holder;
    }

    @Test
    void whatWasPublishedIsFoundByItsTokensAlone() {
        var pool = new PagePool(4, PAGE);
        filled(pool, 1, 2, 3, 4, 5, 6, 7, 8).release();
        assertThat(pool.free()).isEqualTo(4);

        PagePool.Holder same = pool.newHolder();
        assertThat(same.reuse(tokens(1, 2, 3, 4, 5, 6, 7, 8, 9), 8)).isEqualTo(8);
        PagePool.Holder shorter = pool.newHolder();
        assertThat(shorter.reuse(tokens(1, 2, 3, 4, 5, 6, 7, 8), 7)).isEqualTo(4);
        // 5, 6, 7, 8 are known, but behind other tokens.
        assertThat(pool.newHolder().reuse(tokens(0, 2, 3, 4, 5, 6, 7, 8), 8)).isZero();
        assertThat(shorter.pages()).isEqualTo(same.pages().subList(0, 1));
        assertThat(pool.free()).isEqualTo(2);
    }

    @Test
    void tokensCountEvenWhereHashesAreEqual() {
        int[] one = {0, 31, 0, 0};
        int[] other = {1, 0, 0, 0};
        assertThat(Arrays.hashCode(one)).isEqualTo(Arrays.hashCode(other));
        var pool = new PagePool(2, PAGE);
        filled(pool, one);
        assertThat(pool.newHolder().reuse(other, PAGE)).isZero();
    }

    @Test
    void ofThoseThatNobodyHoldsTheLastOfTheOldestGoesFirst() {
        var pool = new PagePool(4, PAGE);
        filled(pool, 1, 1, 1, 1, 2, 2, 2, 2).release();
        filled(pool, 3, 3, 3, 3).release();
        // Used again, it is younger than 3.
        PagePool.Holder again = pool.newHolder();
        again.reuse(tokens(1, 1, 1, 1), PAGE);
        again.release();

        PagePool.Holder other = pool.newHolder();
        other.add();
        other.add();
        assertThat(pool.newHolder().reuse(tokens(1, 1, 1, 1, 2, 2, 2, 2), 8)).isEqualTo(4);
        other.add();
        assertThat(pool.newHolder().reuse(tokens(3, 3, 3, 3), 4)).isZero();
        assertThat(other.add()).isFalse();
        other.release();
        assertThat(pool.free()).isEqualTo(3);
    }

    @Test
    void ofOnePrefixTheLastPageGoesFirst() {
        var pool = new PagePool(3, PAGE);
        filled(pool, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3).release();
        pool.newHolder().add();
        assertThat(pool.newHolder().reuse(tokens(1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), 12))
                .isEqualTo(8);
    }

    @Test
    void twoThatFillTheSamePageKeepOne() {
        var pool = new PagePool(4, PAGE);
        PagePool.Holder first = pool.newHolder();
        PagePool.Holder second = pool.newHolder();
        first.add();
        second.add();
        second.add();
        first.publish(tokens(1, 2, 3, 4), PAGE);
        second.publish(tokens(1, 2, 3, 4, 5, 6), 6);
        assertThat(second.pages().getFirst()).isEqualTo(first.pages().getFirst());
        assertThat(pool.free()).isEqualTo(2);
        first.release();
        second.release();
        assertThat(pool.free()).isEqualTo(4);
    }

    @Test
    void whatWasWithdrawnIsFoundNoMore() {
        var pool = new PagePool(4, PAGE);
        PagePool.Holder broken = filled(pool, 1, 2, 3, 4, 5, 6, 7, 8);
        PagePool.Holder beside = pool.newHolder();
        beside.reuse(tokens(1, 2, 3, 4), PAGE);
        broken.withdraw();
        assertThat(pool.newHolder().reuse(tokens(1, 2, 3, 4), PAGE)).isZero();
        beside.add();
        beside.publish(tokens(1, 2, 3, 4, 9, 9, 9, 9), 8);
        assertThat(pool.newHolder().reuse(tokens(1, 2, 3, 4, 9, 9, 9, 9), 8)).isZero();
        broken.release();
        beside.release();
        assertThat(pool.free()).isEqualTo(4);
    }

    @Test
    void beginsWithNothingElse() {
        var pool = new PagePool(2, PAGE);
        PagePool.Holder holder = pool.newHolder();
        holder.add();
        assertThatIllegalStateException().isThrownBy(() -> holder.reuse(tokens(1, 2, 3, 4), 4));
    }

    /** What a holder of a context in the random run has, and what its pages hold. */
    private record Context(PagePool.Holder holder, List<Integer> tokens) {}

    /** Beside a list of what was written into each page. */
    @Test
    void aPageHoldsWhatItsHoldersWrote() {
        var random = new SplittableRandom(9);
        var pool = new PagePool(12, PAGE);
        Map<Integer, List<Integer>> written = new HashMap<>();
        List<Context> contexts = new ArrayList<>();
        int reused = 0;
        for (int round = 0; round < 20_000; round++) {
            if (!contexts.isEmpty() && random.nextInt(2) == 0) {
                contexts.remove(random.nextInt(contexts.size())).holder().release();
            } else {
                int[] tokens = IntStream.range(0, PAGE * (1 + random.nextInt(4)))
                        .map(i -> i % PAGE == 0 ? random.nextInt(2) : 7)
                        .toArray();
                PagePool.Holder holder = pool.newHolder();
                int held = holder.reuse(tokens, tokens.length - 1);
                reused += held;
                while (held < tokens.length && holder.add()) {
                    written.put(holder.pages().getLast(), prefix(tokens, held + PAGE));
                    held += PAGE;
                }
                holder.publish(tokens, held);
                contexts.add(new Context(holder, prefix(tokens, held)));
            }
            assertHeld(pool, contexts, written);
        }
        assertThat(reused).isGreaterThan(10_000);
    }

    private static void assertHeld(PagePool pool, List<Context> contexts, Map<Integer, List<Integer>> written) {
        Set<Integer> held = new HashSet<>();
        for (Context context : contexts) {
            List<Integer> pages = context.holder().pages();
            for (int i = 0; i < pages.size(); i++) {
                assertThat(written.get(pages.get(i))).isEqualTo(context.tokens().subList(0, (i + 1) * PAGE));
            }
            held.addAll(pages);
        }
        assertThat(pool.free()).isEqualTo(pool.pages() - held.size());
    }

    private static List<Integer> prefix(int[] tokens, int count) {
        return Arrays.stream(tokens, 0, count).boxed().toList();
    }
}
