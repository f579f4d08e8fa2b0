package io.octavo.engine.serve;

import io.octavo.engine.transformer.KvCache;
import io.octavo.kernels.attention.KvCacheLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decides what the next step runs, and who has pages.
 *
 * <p>Texts that go on come first, one token each. What is left of a step's tokens goes to prompts, the oldest first, in pieces
 * as large as fit; then to texts that come in while pages last: those that lost theirs, then those whose turn it is. Where a
 * text that goes on finds no page, the youngest one loses all of its own and is computed again later, from what is still in
 * the cache. A text that comes in is given the pages of all its tokens at once, so that it is never half there.
 *
 * <p>Iterations as in Orca (Yu et al., OSDI 2022), pieces of prompts beside texts that go on as in Sarathi-Serve (Agrawal et
 * al., OSDI 2024), preemption as in vLLM.
 */
final class Planner {

    /** Texts that run, for one page that is left to them when another one comes in: half of them need one within 32 steps. */
    private static final int TEXTS_PER_SPARE_PAGE = 8;

    private final KvCache cache;
    private final FairQueue queue;
    private final Vocabulary vocabulary;
    private final int maxSequences;
    private final int batchTokens;
    private final boolean reusesPrefixes;

    /** Oldest first, as the next one. */
    private final List<ServedText> running = new ArrayList<>();

    private final List<ServedText> preempted = new ArrayList<>();
    private long preemptions;
    private long promptTokens;
    private long cachedTokens;

    Planner(KvCache cache, FairQueue queue, Vocabulary vocabulary, int batchTokens, ServingOptions options) {
        this.cache = cache;
        this.queue = queue;
        this.vocabulary = vocabulary;
        this.maxSequences = options.maxSequences();
        this.batchTokens = batchTokens;
        this.reusesPrefixes = options.reusesPrefixes();
    }

    /** What to run next; empty if nobody can go on. */
    List<StepRunner.Chunk> plan() {
        var chunks = new ArrayList<StepRunner.Chunk>();
        long before = preemptions;
        int left = batchTokens;
        // A copy, since texts may be preempted meanwhile.
        for (ServedText text : List.copyOf(running)) {
            boolean runs = preemptions == before || running.contains(text);
            boolean goesOn = runs && text.hasRoom() && text.pending() == 1;
            if (goesOn && left > 0 && makeRoom(text)) {
                chunks.add(new StepRunner.Chunk(text, 1));
                left--;
            }
        }
        for (ServedText text : running) {
            if (left > 0 && text.pending() > 1 && text.hasRoom()) {
                left -= addPiece(text, left, chunks);
            }
        }
        while (left > 0 && preemptions == before) {
            ServedText text = next();
            if (text == null || (running.size() >= maxSequences && !preemptIdle()) || !enter(text)) {
                break;
            }
            left -= addPiece(text, left, chunks);
        }
        return chunks;
    }

    private static int addPiece(ServedText text, int left, List<StepRunner.Chunk> chunks) {
        int tokens = Math.min(text.pending(), left);
        chunks.add(new StepRunner.Chunk(text, tokens));
        return tokens;
    }

    /** @return whether the text has room for one more token; if not, it has lost its pages */
    private boolean makeRoom(ServedText text) {
        while (!text.sequence().reserve(text.count())) {
            ServedText victim = youngestIdle().orElseGet(running::getLast);
            preempt(victim);
            if (victim == text) {
                return false;
            }
        }
        return true;
    }

    /** Those that nobody reads keep nobody else waiting. Returns whether there was one, the youngest of which lost its pages. */
    private boolean preemptIdle() {
        Optional<ServedText> idle = youngestIdle();
        idle.ifPresent(this::preempt);
        return idle.isPresent();
    }

    private Optional<ServedText> youngestIdle() {
        return running.reversed().stream().filter(text -> !text.hasRoom()).findFirst();
    }

    private void preempt(ServedText text) {
        text.leaveCache();
        running.remove(text);
        preempted.add(text);
        preempted.sort(ServedText.OLDEST_FIRST);
        preemptions++;
    }

    private @Nullable ServedText next() {
        for (ServedText text : preempted) {
            if (text.hasRoom()) {
                return text;
            }
        }
        return queue.peek();
    }

    /** @return whether there are pages for the text, which runs then */
    private boolean enter(ServedText text) {
        text.begin(cache, vocabulary::decode);
        boolean entered = takePages(text);
        while (!entered && preemptIdle()) {
            entered = takePages(text);
        }
        if (entered) {
            if (!preempted.remove(text)) {
                queue.take(text);
            }
            running.add(text);
            running.sort(ServedText.OLDEST_FIRST);
        }
        return entered;
    }

    private boolean takePages(ServedText text) {
        int found = reusesPrefixes ? text.sequence().reuse(text.tokens(), mostFound(text)) : 0;
        int wanted = Math.ceilDiv(text.count() - found, KvCacheLayout.PAGE_TOKENS);
        int spare = Math.ceilDiv(running.size(), TEXTS_PER_SPARE_PAGE);
        if (wanted + spare > cache.freePages()) {
            text.leaveCache();
            return false;
        }
        text.sequence().reserve(text.count());
        if (text.countPrompt()) {
            promptTokens += text.count();
            cachedTokens += found;
            if (text.choice() == 0) {
                text.request().found(found);
            }
        }
        return true;
    }

    /** The last token is always computed, since logits come of it; a prompt that is scored, as far as it is not yet. */
    private static int mostFound(ServedText text) {
        return text.request().wantsScores() ? text.request().scoredTokens() - 1 : text.count() - 1;
    }

    /** Forgets all texts of a request, and frees their pages. */
    void remove(ActiveRequest request) {
        request.texts().forEach(this::remove);
        queue.remove(request);
    }

    /** Forgets a text, and frees its pages. */
    void remove(ServedText text) {
        text.leaveCache();
        running.remove(text);
        preempted.remove(text);
    }

    /** Texts that have pages. */
    List<ServedText> running() {
        return running;
    }

    /** Texts that lost theirs. */
    List<ServedText> preempted() {
        return preempted;
    }

    long preemptions() {
        return preemptions;
    }

    long promptTokens() {
        return promptTokens;
    }

    long cachedTokens() {
        return cachedTokens;
    }

    /** Whether full pages are kept for prompts that begin with the same tokens. */
    boolean reusesPrefixes() {
        return reusesPrefixes;
    }
}
