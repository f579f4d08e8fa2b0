package io.octavo.engine.transformer.page;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A full page whose tokens are known, below the page before it: the way from the root spells a prefix. Since a node is found
 * by its tokens below a node that was found by its own, equal hashes of different prefixes never meet.
 */
final class PageNode {

    /**
     * The tokens of a page. Ordered, so that a map stays fast where somebody sends pages of equal hashes.
     */
    static final class Key implements Comparable<Key> {

        private final int[] tokens;

        Key(int[] tokens) {
            this.tokens = tokens;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(tokens, key.tokens);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(tokens);
        }

        @Override
        public int compareTo(Key other) {
            return Arrays.compare(tokens, other.tokens);
        }
    }

    private final @Nullable PageNode parent;
    private final @Nullable Key key;
    private final int page;
    private final Map<Key, PageNode> children = new HashMap<>();
    private int holders;
    private boolean found = true;

    private PageNode(@Nullable PageNode parent, @Nullable Key key, int page) {
        this.parent = parent;
        this.key = key;
        this.page = page;
    }

    static PageNode root() {
        return new PageNode(null, null, -1);
    }

    @Nullable PageNode child(Key tokens) {
        return children.get(tokens);
    }

    PageNode add(Key tokens, int newPage) {
        var child = new PageNode(this, tokens, newPage);
        children.put(tokens, child);
        return child;
    }

    int page() {
        return page;
    }

    /** @return whether nobody held it */
    boolean hold() {
        return holders++ == 0;
    }

    /** @return whether nobody holds it now */
    boolean release() {
        return --holders == 0;
    }

    /** Whether those who look for its tokens find it. */
    boolean isFound() {
        return found;
    }

    /** Nobody finds it any more, nor what is below. */
    void detach() {
        if (found && parent != null) {
            parent.children.remove(key, this);
        }
        found = false;
    }
}
