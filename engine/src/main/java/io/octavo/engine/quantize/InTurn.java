package io.octavo.engine.quantize;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * Goes through several groups side by side: one element of each, then the next of each. A group is made when there is room
 * for it, and another one follows when it is exhausted.
 */
final class InTurn<G, T> implements Iterator<T> {

    private final Iterator<G> groups;
    private final Function<G, Iterator<T>> begin;
    private final int most;
    private final Deque<Iterator<T>> begun = new ArrayDeque<>();

    /** @param most groups that are gone through at a time */
    InTurn(Iterable<G> groups, int most, Function<G, Iterator<T>> begin) {
        this.groups = groups.iterator();
        this.most = most;
        this.begin = begin;
    }

    @Override
    public boolean hasNext() {
        while (begun.size() < most && groups.hasNext()) {
            Iterator<T> elements = begin.apply(groups.next());
            if (elements.hasNext()) {
                begun.add(elements);
            }
        }
        return !begun.isEmpty();
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Iterator<T> elements = begun.remove();
        T element = elements.next();
        if (elements.hasNext()) {
            begun.add(elements);
        }
        return element;
    }
}
