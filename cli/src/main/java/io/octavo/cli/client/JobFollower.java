package io.octavo.cli.client;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;

/** Reads a job's event stream over as many connections as it takes. */
final class JobFollower {

    /** Asks the service whether the job has ended. */
    @FunctionalInterface
    interface EndCheck {
        boolean ended() throws InterruptedException;
    }

    private final HttpExchange exchange;
    private final String path;
    private final Consumer<JobEvent> listener;
    private final EndCheck check;
    private String lastEventId = "";
    private boolean ended;

    /**
     * @param check consulted at a terminal state, which may belong to an attempt before a retry, and when a stream ends
     *     without one
     */
    JobFollower(HttpExchange exchange, String path, Consumer<JobEvent> listener, EndCheck check) {
        this.exchange = exchange;
        this.path = path;
        this.listener = listener;
        this.check = check;
    }

    void awaitEnd() throws InterruptedException {
        int failures = 0;
        while (!ended) {
            String before = lastEventId;
            try {
                readOneStream();
            } catch (IOException e) {
                failures = lastEventId.equals(before) ? failures + 1 : 1;
                exchange.giveUpAfterLast(failures, e);
                exchange.pauseAfter(failures);
                continue;
            }
            if (!ended) {
                ended = check.ended();
                failures = lastEventId.equals(before) ? failures + 1 : 1;
                exchange.pauseAfter(failures);
            }
        }
    }

    private void readOneStream() throws IOException, InterruptedException {
        HttpRequest.Builder request = exchange.request(path).header("Accept", "text/event-stream");
        if (!lastEventId.isEmpty()) {
            request.header("Last-Event-ID", lastEventId);
        }
        try (var body = exchange.open(request.build()).body()) {
            var events = new ServerSentEvents(body);
            for (var message = events.next(); message.isPresent() && !ended; message = events.next()) {
                accept(message.get());
            }
        }
    }

    private void accept(ServerSentEvents.Message message) throws InterruptedException {
        Optional<JobEvent> event;
        try {
            long id = message.id().isEmpty() ? 0 : Long.parseLong(message.id());
            event = JobEvent.of(id, message.event(), WireJson.parse(message.data()));
        } catch (JacksonException | IllegalArgumentException e) {
            throw new UnexpectedAnswerException("event " + message.id() + " of type " + message.event());
        }
        lastEventId = message.id();
        event.ifPresent(listener);
        boolean terminal = event.isPresent()
                && event.get().detail() instanceof JobEvent.State state
                && state.status().isTerminal();
        ended = terminal && check.ended();
    }
}
