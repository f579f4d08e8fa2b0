package io.octavo.api.job;

import io.octavo.api.call.LastingCalls;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.queue.JobSignals;
import io.octavo.wire.EventRecord;
import io.octavo.wire.Page;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * Streams of events, each a virtual thread that reads what is new whenever it is woken. A stream ends after the event
 * that ended its job, when its client is gone, or when the service stops; a client resumes by the last id it saw.
 */
@Component
class EventStreams extends LastingCalls {

    private static final Logger LOG = LoggerFactory.getLogger(EventStreams.class);
    private static final long NO_TIMEOUT = 0;

    private final JobService jobs;
    private final JobSignals signals;
    private final StreamProperties properties;
    private final Set<Stream> open = ConcurrentHashMap.newKeySet();
    private final Map<TenantId, Integer> perTenant = new ConcurrentHashMap<>();

    EventStreams(JobService jobs, JobSignals signals, StreamProperties properties) {
        this.jobs = jobs;
        this.signals = signals;
        this.properties = properties;
    }

    /**
     * @param after id of the last event that the client has seen, or 0
     * @throws ProblemException {@code rate-limited}, if the tenant has as many open as it may
     */
    SseEmitter open(TenantId tenant, UUID jobId, long after) {
        jobs.get(tenant, jobId);
        if (perTenant.merge(tenant, 1, Integer::sum) > properties.streamsPerTenant()) {
            leave(tenant);
            throw new ProblemException(
                    ProblemCode.RATE_LIMITED,
                    "the tenant has " + properties.streamsPerTenant() + " event streams open; end one first");
        }
        Stream stream = new Stream(tenant, jobId, after);
        Thread.ofVirtual().name("events-" + jobId).start(stream::run);
        return stream.emitter;
    }

    private void leave(TenantId tenant) {
        perTenant.computeIfPresent(tenant, (key, count) -> count == 1 ? null : count - 1);
    }

    @Override
    public void stop() {
        super.stop();
        open.forEach(stream -> stream.wake.release());
    }

    private final class Stream {

        private final TenantId tenant;
        private final UUID jobId;
        private final SseEmitter emitter = new SseEmitter(NO_TIMEOUT);
        private final Semaphore wake = new Semaphore(0);
        private long after;
        private long sentAt = System.nanoTime();

        Stream(TenantId tenant, UUID jobId, long after) {
            this.tenant = tenant;
            this.jobId = jobId;
            this.after = after;
        }

        void run() {
            open.add(this);
            try (var _ = signals.onEvents(jobId, wake::release)) {
                boolean ended = false;
                while (isRunning() && !ended) {
                    ended = sendNews();
                    if (!ended) {
                        await();
                    }
                }
                emitter.complete();
            } catch (IOException | IllegalStateException e) {
                LOG.debug("The client of an event stream is gone: {}", e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException e) {
                emitter.completeWithError(e);
            } finally {
                open.remove(this);
                leave(tenant);
            }
        }

        /** Whether the job had ended before its events were read, so that no more can come. */
        private boolean sendNews() throws IOException {
            boolean terminal = jobs.get(tenant, jobId).status().isTerminal();
            Page<EventRecord> page;
            do {
                page = jobs.events(tenant, jobId, after, new PageLimit(PageLimit.MAX));
                for (EventRecord event : page.items()) {
                    send(SseEmitter.event()
                            .id(Long.toString(event.id()))
                            .name(event.type())
                            .data(event.data().toString()));
                    after = event.id();
                }
            } while (page.nextCursor() != null);
            return terminal;
        }

        private void await() throws InterruptedException, IOException {
            if (wake.tryAcquire(properties.streamPoll().toMillis(), TimeUnit.MILLISECONDS)) {
                wake.drainPermits();
            }
            if (System.nanoTime() - sentAt > properties.streamKeepAlive().toNanos()) {
                send(SseEmitter.event().comment("still here"));
            }
        }

        private void send(SseEmitter.SseEventBuilder event) throws IOException {
            emitter.send(event);
            sentAt = System.nanoTime();
        }
    }
}
