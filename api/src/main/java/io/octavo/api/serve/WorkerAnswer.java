package io.octavo.api.serve;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of a worker's answer, a piece at a time: no further one is taken from the connection before the last was written to
 * the client, so that a slow client slows its worker down and nothing piles up here. Closing ends the connection, by which the
 * worker learns that nobody waits any more.
 */
final class WorkerAnswer implements BodySubscriber<WorkerAnswer>, AutoCloseable {

    private static final Piece END = new Piece(List.of(), null);

    private final BlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

    private record Piece(List<ByteBuffer> bytes, @Nullable Throwable failure) {}

    /** There as soon as the answer's head is. */
    @Override
    public CompletionStage<WorkerAnswer> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription.complete(given);
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> bytes) {
        pieces.add(new Piece(bytes, null));
    }

    @Override
    public void onError(Throwable failure) {
        pieces.add(new Piece(List.of(), failure));
    }

    @Override
    public void onComplete() {
        pieces.add(END);
    }

    /**
     * What came next; no bytes at the end of the answer.
     *
     * @return empty if nothing came in the given time
     * @throws IOException if the answer broke off
     */
    Optional<List<ByteBuffer>> next(Duration patience) throws IOException, InterruptedException {
        Piece piece = pieces.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
        if (piece == null) {
            return Optional.empty();
        }
        if (piece.failure() != null) {
            throw new IOException("the worker's answer broke off", piece.failure());
        }
        return Optional.of(piece.bytes());
    }

    /** To be asked for once the last piece was written. */
    void more() {
        var _ = subscription.thenAccept(given -> given.request(1));
    }

    @Override
    public void close() {
        var _ = subscription.thenAccept(Flow.Subscription::cancel);
    }
}
