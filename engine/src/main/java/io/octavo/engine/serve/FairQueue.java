package io.octavo.engine.serve;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Texts that wait for their first pages, client by client: deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) over
 * tokens. A text costs its prompt when its turn comes and a token for each that it draws, which may leave its client in debt;
 * a client that comes anew starts where the best of those there stands, so that it makes up for nothing that it did not ask
 * for (Sheng et al., OSDI 2024, section 4).
 *
 * <p>Safe for use by several threads.
 */
final class FairQueue {

    /** Tokens that a client gains a round. */
    private static final int QUANTUM = 64;

    private static final class Client {

        private final Deque<ServedText> texts = new ArrayDeque<>();

        /** Tokens that it may still cost in this round; negative for a debt. */
        private long deficit;

        /** Choices that have no pages yet, of texts in the queue and of those that follow them. */
        private int waiting;

        /** Choices that have not ended. */
        private int alive;

        /** Rounds until the first text's turn. */
        private long rounds() {
            return Math.max(0, Math.ceilDiv(texts.element().count() - deficit, (long) QUANTUM));
        }
    }

    private final int most;
    private final int mostOfClient;

    /** By name, in the order of turns. */
    private final SequencedMap<String, Client> clients = new LinkedHashMap<>();

    private final Map<ActiveRequest, Integer> waitingChoices = new HashMap<>();
    private int waiting;

    /**
     * @param most choices that wait
     * @param mostOfClient of one client
     */
    FairQueue(int most, int mostOfClient) {
        this.most = most;
        this.mostOfClient = mostOfClient;
    }

    /** @throws QuantizationException {@code queue-full} */
    synchronized void add(ActiveRequest request) {
        String name = request.request().client();
        int choices = request.texts().size();
        Client known = clients.get(name);
        int ofClient = known == null ? 0 : known.waiting;
        if (waiting + choices > most || ofClient + choices > mostOfClient) {
            throw new QuantizationException(
                    ErrorCode.QUEUE_FULL,
                    waiting + " texts wait, " + ofClient + " of them of this client, and " + choices
                            + " more would; allowed: " + most + ", and " + mostOfClient + " of a client");
        }
        Client client = known == null ? enter(name) : known;
        client.texts.addLast(request.texts().getFirst());
        client.waiting += choices;
        client.alive += choices;
        waiting += choices;
        waitingChoices.put(request, choices);
    }

    private Client enter(String name) {
        var client = new Client();
        client.deficit = clients.values().stream()
                .mapToLong(other -> other.deficit)
                .max()
                .orElse(0);
        clients.put(name, client);
        return client;
    }

    /** Puts the other choices of a request to the front, now that they find its prompt in the cache. */
    synchronized void addOthers(ActiveRequest request) {
        Client client = clients.get(request.request().client());
        if (client != null) {
            request.texts().subList(1, request.texts().size()).reversed().forEach(client.texts::addFirst);
        }
    }

    /** Whose turn it is; null if nobody waits. Gives the same one again until it is taken or removed. */
    synchronized @Nullable ServedText peek() {
        Client next = null;
        long rounds = Long.MAX_VALUE;
        for (Client client : clients.values()) {
            if (!client.texts.isEmpty() && client.rounds() < rounds) {
                rounds = client.rounds();
                next = client;
            }
        }
        if (next == null) {
            return null;
        }
        long gained = rounds * QUANTUM;
        clients.values().stream().filter(client -> !client.texts.isEmpty()).forEach(client -> client.deficit += gained);
        return next.texts.peekFirst();
    }

    /** Takes what {@link #peek} gave. Its client keeps its turn as long as it can pay. */
    synchronized void take(ServedText text) {
        String name = text.request().request().client();
        Client client = Objects.requireNonNull(clients.get(name), "clients stay while their texts wait");
        client.texts.remove(text);
        client.waiting--;
        waiting--;
        waitingChoices.merge(text.request(), -1, Integer::sum);
        client.deficit -= text.count();
        boolean others = !client.texts.isEmpty();
        if (!others || client.rounds() > 0) {
            clients.putLast(name, client);
        }
        if (!others) {
            client.deficit = Math.min(client.deficit, 0);
        }
    }

    /** Counts a token that a text has drawn. */
    synchronized void charge(ServedText text) {
        Client client = clients.get(text.request().request().client());
        if (client != null) {
            client.deficit--;
        }
    }

    /** A choice has ended. */
    synchronized void end(ActiveRequest request, int choices) {
        String name = request.request().client();
        Client client = clients.get(name);
        if (client == null) {
            return;
        }
        client.alive -= choices;
        if (client.alive == 0) {
            clients.remove(name);
        }
    }

    /** Forgets those choices of a request that wait. */
    synchronized void remove(ActiveRequest request) {
        Integer left = waitingChoices.remove(request);
        Client client = clients.get(request.request().client());
        if (client != null && left != null) {
            client.texts.removeIf(text -> text.request() == request);
            client.waiting -= left;
            waiting -= left;
        }
    }

    /** Choices that wait. */
    synchronized int waiting() {
        return waiting;
    }
}
