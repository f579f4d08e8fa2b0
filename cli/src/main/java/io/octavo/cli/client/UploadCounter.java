package io.octavo.cli.client;

import java.net.http.HttpRequest.BodyPublisher;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** Reports the bytes of a request body as the HTTP client takes them. */
final class UploadCounter {

    private final LongConsumer progress;
    private final AtomicLong sent = new AtomicLong();

    UploadCounter(LongConsumer progress) {
        this.progress = progress;
    }

    /** Takes back what an earlier try has reported. */
    void startOver() {
        long before = sent.getAndSet(0);
        if (before != 0) {
            progress.accept(-before);
        }
    }

    BodyPublisher count(BodyPublisher body) {
        return new BodyPublisher() {
            @Override
            public long contentLength() {
                return body.contentLength();
            }

            @Override
            public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
                body.subscribe(counting(subscriber));
            }
        };
    }

    private Flow.Subscriber<ByteBuffer> counting(Flow.Subscriber<? super ByteBuffer> subscriber) {
        return new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscriber.onSubscribe(subscription);
            }

            @Override
            public void onNext(ByteBuffer bytes) {
                int count = bytes.remaining();
                sent.addAndGet(count);
                progress.accept(count);
                subscriber.onNext(bytes);
            }

            @Override
            public void onError(Throwable failure) {
                subscriber.onError(failure);
            }

            @Override
            public void onComplete() {
                subscriber.onComplete();
            }
        };
    }
}
