package io.octavo.engine.transformer.page;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * The pages of a cache, shared by holders that each have a context of their own.
 *
 * <p>A full page can be published together with all tokens up to its end. Other holders whose context begins with the same
 * tokens then hold that page too, instead of filling one. A published page that nobody holds stays as it is until a page is
 * needed and none is empty: the one that nobody has held for the longest time goes first, and of one prefix the last page.
 *
 * <p>Not thread-safe.
 */
public final class PagePool {

    private final int pages;
    private final int pageTokens;
    private final Deque<Integer> empty = new ArrayDeque<>();
    private final PageNode root = PageNode.root();

    /** Whoever lets go of a prefix lets go of its last page first, so that no page stands before one that follows it. */
    private final SequencedSet<PageNode> unheld = new LinkedHashSet<>();

    public PagePool(int pages, int pageTokens) {
        this.pages = pages;
        this.pageTokens = pageTokens;
        for (int page = 0; page < pages; page++) {
            empty.addLast(page);
        }
    }

    public int pages() {
        return pages;
    }

    /** Pages that can be had: nobody holds them. */
    public int free() {
        return empty.size() + unheld.size();
    }

    public Holder newHolder() {
        return new Holder();
    }

    private void fetch(PageNode node) {
        if (node.hold()) {
            unheld.remove(node);
        }
    }

    /** The pages of one context, in order. */
    public final class Holder {

        private final List<Integer> held = new ArrayList<>();

        /** Of the first pages: those that are published. */
        private final List<PageNode> published = new ArrayList<>();

        private Holder() {}

        /** Read-only. */
        public List<Integer> pages() {
            return Collections.unmodifiableList(held);
        }

        /** How many of the first pages are published. */
        public int published() {
            return published.size();
        }

        /**
         * Takes one more page.
         *
         * @return whether there was one
         */
        public boolean add() {
            Integer page = empty.pollFirst();
            if (page == null) {
                if (unheld.isEmpty()) {
                    return false;
                }
                PageNode oldest = unheld.removeFirst();
                oldest.detach();
                page = oldest.page();
            }
            held.add(page);
            return true;
        }

        /**
         * Takes the published pages that hold the first tokens of a context.
         *
         * @param tokens of the context
         * @param most of them that pages may hold
         * @return how many the pages hold
         * @throws IllegalStateException if this holds pages already
         */
        public int reuse(int[] tokens, int most) {
            if (!held.isEmpty()) {
                throw new IllegalStateException("a context of " + held.size() + " pages cannot begin with others");
            }
            PageNode node = root;
            for (int end = pageTokens; end <= most; end += pageTokens) {
                node = node.child(key(tokens, end));
                if (node == null) {
                    break;
                }
                fetch(node);
                published.add(node);
                held.add(node.page());
            }
            return held.size() * pageTokens;
        }

        private PageNode.Key key(int[] tokens, int end) {
            return new PageNode.Key(Arrays.copyOfRange(tokens, end - pageTokens, end));
        }

        /**
         * Publishes full pages. A page whose prefix somebody else has published gives way to that one.
         *
         * @param tokens of the context
         * @param count of them that pages hold
         */
        public void publish(int[] tokens, int count) {
            for (int i = published.size(); (i + 1) * pageTokens <= count; i++) {
                PageNode parent = published.isEmpty() ? root : published.getLast();
                if (!parent.isFound() && parent != root) {
                    return;
                }
                PageNode.Key key = key(tokens, (i + 1) * pageTokens);
                PageNode known = parent.child(key);
                PageNode node = known == null ? parent.add(key, held.get(i)) : known;
                if (known != null) {
                    empty.addLast(held.set(i, known.page()));
                }
                fetch(node);
                published.add(node);
            }
        }

        /** Lets nobody else begin with what these pages hold. */
        public void withdraw() {
            published.forEach(PageNode::detach);
        }

        /** Gives all pages back. */
        public void release() {
            empty.addAll(held.subList(published.size(), held.size()));
            for (PageNode node : published.reversed()) {
                if (!node.release()) {
                    continue;
                }
                if (node.isFound()) {
                    unheld.addLast(node);
                } else {
                    empty.addLast(node.page());
                }
            }
            published.clear();
            held.clear();
        }
    }
}
