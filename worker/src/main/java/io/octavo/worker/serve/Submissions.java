package io.octavo.worker.serve;

import io.octavo.engine.serve.Completion;
import io.octavo.engine.serve.CompletionEvent;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.ServedModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** The requests of one call, a prompt each, and what happens to all of them in one line. Closing cancels what is not over. */
final class Submissions implements AutoCloseable {

    /** Beyond these, the requests' own bounds hold. */
    private static final int UNREAD = 64;

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** @param prompt which of the call's, from 0 */
    record Event(int prompt, CompletionEvent event) {}

    private final List<Completion> completions = new ArrayList<>();
    private final List<Thread> readers = new ArrayList<>();
    private final BlockingQueue<Event> events = new ArrayBlockingQueue<>(UNREAD);

    private Submissions() {}

    /** All or none: what was taken is cancelled if another one is refused. */
    static Submissions submit(ServedModel model, List<CompletionRequest> requests) {
        var submissions = new Submissions();
        try {
            for (CompletionRequest request : requests) {
                submissions.completions.add(model.submit(request));
            }
            if (requests.size() > 1) {
                submissions.readSideBySide();
            }
            return submissions;
        } catch (RuntimeException e) {
            submissions.close();
            throw e;
        }
    }

    private void readSideBySide() {
        for (int i = 0; i < completions.size(); i++) {
            int prompt = i;
            readers.add(Thread.ofVirtual().name("prompt-" + i).start(() -> read(prompt)));
        }
    }

    private void read(int prompt) {
        Completion completion = completions.get(prompt);
        try {
            boolean last = false;
            while (!last) {
                Optional<CompletionEvent> next = completion.next(PATIENCE);
                if (next.isPresent()) {
                    events.put(new Event(prompt, next.get()));
                    last = next.get().last();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The call is over.
        }
    }

    int count() {
        return completions.size();
    }

    /** @return empty if nothing happens in the given time */
    Optional<Event> next(Duration patience) throws InterruptedException {
        if (completions.size() == 1) {
            return completions.getFirst().next(patience).map(event -> new Event(0, event));
        }
        return Optional.ofNullable(events.poll(patience.toNanos(), TimeUnit.NANOSECONDS));
    }

    @Override
    public void close() {
        completions.forEach(Completion::close);
        readers.forEach(Thread::interrupt);
    }
}
